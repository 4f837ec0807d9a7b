"""Views that answer with what their tenant's database says, as often as they can be interrupted."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views import View

from multi_tenant import current_alias
from sample_site.notes import models
from tests.journeys.crowd import STEPS
from tests.journeys.crowd.report import report

PAUSE_SECONDS = 0.002
Note: Any = models.Note  # types are taken from other settings, which do not install it
#: What a parent process noted before it forked its workers.
parents_sessions: list[int] = []


class TitlesOfClass(View):
    """As Django's own views and those of REST framework do, with a queryset made when the module is imported."""

    queryset = Note.objects.all()
    first = Note.objects.filter(pk=1).values_list("title", flat=True)

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(
            {
                "places": [current_alias()],
                "titles": [
                    self.queryset.get(pk=1).title,
                    *self.queryset.all().filter(pk=1).values_list("title", flat=True),
                    *self.first.all(),
                ],
            }
        )


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("well")


def look() -> tuple[str | None, str]:
    """The place, and the title of the note that each tenant has; others get their turn."""
    before = current_alias()
    time.sleep(PAUSE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT title FROM notes_note WHERE id = 1")
        raw = cursor.fetchone()[0]
    title = Note.objects.get(pk=1).title
    return (before, title) if raw == title else (before, f"{raw} {title}")


async def alook() -> tuple[str | None, str]:
    before = current_alias()
    await asyncio.sleep(PAUSE_SECONDS)
    return before, (await Note.objects.aget(pk=1)).title


def facts(seen: list[tuple[str | None, str]]) -> dict[str, Any]:
    return {"places": [place for place, _ in seen], "titles": [title for _, title in seen]}


def asking(request: HttpRequest) -> JsonResponse:
    return JsonResponse(facts([look() for _ in range(STEPS)]))


async def aasking(request: HttpRequest) -> JsonResponse:
    return JsonResponse(facts([await alook() for _ in range(STEPS)]))


def writing(request: HttpRequest) -> JsonResponse:
    """Write a note, and one more that is rolled back."""
    with transaction.atomic():
        note = Note.objects.create(title="written", text=str(current_alias()))
        # Who waits for a file's lock waits in C, and under gevent keeps everybody waiting, who holds it too.
        seen = [look()] if connection.vendor == "postgresql" else []
    with transaction.atomic():
        Note.objects.filter(pk=note.pk).update(text="lost")
        transaction.set_rollback(True)
    return JsonResponse({**facts(seen), "text": Note.objects.get(pk=note.pk).text})


def failing(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        Note.objects.create(title="failed")
        raise RuntimeError("as asked for")


def sync_body(going_on: Callable[[int], bool]) -> Iterator[str]:
    try:
        count = 0
        while going_on(count):
            place, title = look()
            yield f"{place}={title} "
            count += 1
    finally:
        report("closed", current_alias())


async def async_body(going_on: Callable[[int], bool]) -> AsyncIterator[str]:
    try:
        count = 0
        while going_on(count):
            place, title = await alook()
            yield f"{place}={title} "
            count += 1
    finally:
        report("closed", current_alias())


def body(kind: str, going_on: Callable[[int], bool]) -> Any:
    return (sync_body if kind == "sync" else async_body)(going_on)


def stream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(body(kind, lambda count: count < STEPS))


async def astream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(body(kind, lambda count: count < STEPS))


def endless(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """A body that ends when its client is gone."""
    return StreamingHttpResponse(body(kind, lambda count: True))


def session(request: HttpRequest) -> JsonResponse:
    """Which session of the server this worker has for the tenant; its parent's are not to be among them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return JsonResponse({"session": cursor.fetchone()[0], "worker": os.getpid(), "parents": parents_sessions})
