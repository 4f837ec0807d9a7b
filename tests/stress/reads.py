"""What a crowd reads in a tenant, at the public site and elsewhere, and what it is refused there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import Length

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import TenantSwitchError, WrongTenantError
from tests.stress.worker import (
    AUTHORS,
    CITY,
    Worker,
    expect,
    expect_at,
    expect_of,
    inside,
)
from tests.testapp.common.models import City
from tests.testapp.library.models import Author, Book


def raw_rows(worker: Worker, alias: str) -> None:
    expect_at(alias, *Author.objects.raw("SELECT id, name FROM library_author WHERE id < %s", [3]))


def prefetch(worker: Worker, alias: str) -> None:
    for author in some_authors(worker).prefetch_related("books__tags"):
        expect_at(alias, author)
        for book in author.books.all():
            expect_at(alias, book, *book.tags.all())


def some_authors(worker: Worker) -> QuerySet[Author]:
    return Author.objects.filter(pk=worker.author())


def join(worker: Worker, alias: str) -> None:
    for book in Book.objects.select_related("author").order_by("-pk")[:5]:
        expect_at(alias, book, book.author)


def look_in_pieces(worker: Worker, alias: str) -> None:
    """A server-side cursor, where the engine has them."""
    for book in Book.objects.order_by("pk").iterator(chunk_size=10):
        expect_at(alias, book)


def aggregate(worker: Worker, alias: str) -> None:
    found = Author.objects.aggregate(Min("name"), Max("name"), authors=Count("pk", distinct=True))
    expect_of(alias, found["name__min"], found["name__max"])
    expect(found["authors"] == len(AUTHORS), f"{found} in {alias!r}")
    lengths = Book.objects.annotate(length=Length("title")).values_list("title", "length")[:3]
    expect_of(alias, *(title for title, _ in lengths))


def look_aside(worker: Worker, alias: str) -> None:
    with public_context():
        expect_at("public", City.objects.get(pk=CITY))
        with tenant_context(alias):
            expect_at(alias, City.objects.get(pk=CITY))
        expect_at("public", City.objects.select_related("country").get(pk=CITY))
    expect_at(alias, City.objects.get(pk=CITY))


def look_elsewhere(worker: Worker, alias: str) -> None:
    other = worker.other(alias)
    with inside(other):
        expect_at(other, Author.objects.get(pk=worker.author()))
    expect_at(alias, Author.objects.get(pk=worker.author()))


def go_astray(worker: Worker, alias: str) -> None:
    """What belongs to another tenant is refused here, although there is a row of the same key."""
    other = worker.other(alias)
    with inside(other):
        stray = Author.objects.get(pk=worker.author())
    for attempt in (stray.save, stray.delete, stray.refresh_from_db, lambda: list(stray.books.all())):
        expect_refused(WrongTenantError, attempt)
    expect_refused(TenantSwitchError, tenant_context(other).__enter__)


def expect_refused(error: type[Exception], attempt: Callable[[], Any]) -> None:
    try:
        attempt()
    except error:
        return
    except ObjectDoesNotExist:
        pass
    expect(False, f"{attempt} was not refused")
