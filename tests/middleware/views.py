"""Views that tell where they run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import get_script_prefix, reverse

from multi_tenant import current_alias
from tests.testapp.library.models import Author

#: What bodies noted when they were closed.
closed: list[str | None] = []


def facts(request: HttpRequest) -> dict[str, Any]:
    return {
        "alias": current_alias(),
        "database": connections["default"].alias,
        "tenant": request.tenant and request.tenant.alias,  # type: ignore[attr-defined]  # the middleware's
        "path": request.path,
        "path_info": request.path_info,
        "script_name": request.META["SCRIPT_NAME"],
        "reversed": reverse("where"),
        "prefix": get_script_prefix(),
        "assets": [settings.STATIC_URL, settings.MEDIA_URL],
    }


def where(request: HttpRequest) -> JsonResponse:
    return JsonResponse(facts(request))


async def awhere(request: HttpRequest) -> JsonResponse:
    return JsonResponse(facts(request))


def authors(request: HttpRequest) -> JsonResponse:
    return JsonResponse([author.name for author in Author.objects.order_by("name")], safe=False)


async def aauthors(request: HttpRequest) -> JsonResponse:
    return JsonResponse([author.name async for author in Author.objects.order_by("name")], safe=False)


def add_and_fail(request: HttpRequest) -> HttpResponse:
    Author.objects.create(name="lost")
    raise RuntimeError("after the write")


def lazy(request: HttpRequest) -> TemplateResponse:
    template = engines["django"].from_string("{% for author in authors %}{{ author }} {% endfor %}{{ alias }}")
    return TemplateResponse(request, template, {"authors": Author.objects.all(), "alias": current_alias})


def step() -> str:
    return f"{current_alias()}{reverse('where')} "


def sync_body() -> Iterator[str]:
    try:
        yield step()
        yield f"{Author.objects.count()} "
        yield step()
    finally:
        closed.append(current_alias())


async def async_body() -> AsyncIterator[str]:
    try:
        yield step()
        yield f"{await Author.objects.acount()} "
        yield step()
    finally:
        closed.append(current_alias())


def body(kind: str) -> Any:
    return sync_body() if kind == "sync" else async_body()


def stream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(body(kind))


async def astream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(body(kind))
