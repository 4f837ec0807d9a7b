"""What a crowd does in a tenant by Django's asynchronous methods; the rest of the operations goes through a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import Count, Max, Min

from multi_tenant.context import current_alias, public_context, tenant_context
from multi_tenant.exceptions import WrongTenantError
from tests.stress import reads, writes
from tests.stress.operations import Operation
from tests.stress.reads import expect_refused, some_authors
from tests.stress.worker import AUTHORS, CITY, Worker, expect, expect_at, expect_of, inside
from tests.stress.writes import new_book
from tests.testapp.common.models import City
from tests.testapp.library.models import Author, Book, Tag

AsyncOperation = Callable[[Worker, str], Awaitable[None]]


async def create(worker: Worker, alias: str) -> None:
    key = worker.key(alias)
    book = await Book.objects.acreate(pk=key, title=f"{alias}:{key}", author_id=worker.author())
    worker.made(alias, key)
    expect_at(alias, book)


async def create_many(worker: Worker, alias: str) -> None:
    books = await Book.objects.abulk_create([new_book(worker, alias) for _ in range(3)])
    worker.made(alias, *(book.pk for book in books))
    expect_at(alias, *books)


async def save(worker: Worker, alias: str) -> None:
    key = worker.one_of_its(alias)
    if key is None:
        await create(worker, alias)
        return
    book = await Book.objects.aget(pk=key)
    expect_at(alias, book)
    book.title = f"{alias}:{key} saved"
    await book.asave()
    await book.arefresh_from_db()
    expect_at(alias, book)


async def remove(worker: Worker, alias: str) -> None:
    key = worker.one_of_its(alias)
    if key is None:
        await create(worker, alias)
        return
    book = await Book.objects.aget(pk=key)
    _, deleted = await book.adelete()
    worker.forget(alias, key, deleted)


async def prefetch(worker: Worker, alias: str) -> None:
    async for author in some_authors(worker).prefetch_related("books__tags"):
        expect_at(alias, author)
        for book in author.books.all():
            expect_at(alias, book, *book.tags.all())


async def look_in_pieces(worker: Worker, alias: str) -> None:
    """A cursor that stays open while other tasks of this thread are in other tenants."""
    if connection.vendor == "sqlite":
        # A writer in another thread waits for who reads a file, and the next writer in this thread for that one: none
        # would ever go on, as the reader needs this thread.
        await sync_to_async(reads.look_in_pieces)(worker, alias)
        return
    async for book in Book.objects.order_by("pk").aiterator(chunk_size=10):
        expect_at(alias, book)


async def get_or_make(worker: Worker, alias: str) -> None:
    word = f"{alias}:{worker.number}:{worker.rng.randrange(3)}"
    tag, made = await Tag.objects.aget_or_create(word=word)
    worker.wrote(alias, Tag._meta.label, int(made))
    expect_at(alias, tag)


async def aggregate(worker: Worker, alias: str) -> None:
    found = await Author.objects.aaggregate(Min("name"), Max("name"), authors=Count("pk", distinct=True))
    expect_of(alias, found["name__min"], found["name__max"])
    expect(found["authors"] == len(AUTHORS), f"{found} in {alias!r}")


async def look_aside(worker: Worker, alias: str) -> None:
    async with public_context():
        expect_at("public", await City.objects.aget(pk=CITY))
        async with tenant_context(alias):
            expect_at(alias, await City.objects.aget(pk=CITY))
        expect_at("public", await City.objects.select_related("country").aget(pk=CITY))
    expect_at(alias, await City.objects.aget(pk=CITY))


async def look_elsewhere(worker: Worker, alias: str) -> None:
    other = worker.other(alias)
    async with tenant_context(other, switch=True):
        stray = await Author.objects.aget(pk=worker.author())
        expect_at(other, stray)
    expect_at(alias, await Author.objects.aget(pk=worker.author()))
    await sync_to_async(expect_refused)(WrongTenantError, stray.save)


async def switch_in_thread(worker: Worker, alias: str) -> None:
    """A thread that changes tenants brings the place home that it began at."""
    other = worker.other(alias)
    await sync_to_async(look_inside)(worker, other)
    expect(current_alias() == alias, f"{current_alias()!r} came home from a thread, not {alias!r}")


def look_inside(worker: Worker, alias: str) -> None:
    with inside(alias):
        expect_at(alias, Author.objects.get(pk=worker.author()))


#: The asynchronous form of what has one.
TWINS: dict[Operation, AsyncOperation] = {
    writes.create: create,
    writes.create_many: create_many,
    writes.save: save,
    writes.remove: remove,
    reads.prefetch: prefetch,
    reads.look_in_pieces: look_in_pieces,
    writes.get_or_make: get_or_make,
    reads.aggregate: aggregate,
    reads.look_aside: look_aside,
    reads.look_elsewhere: look_elsewhere,
    reads.raw_rows: switch_in_thread,
}


def asynchronous(operation: Operation) -> AsyncOperation:
    """The asynchronous form of an operation, in a thread where Django has none."""
    return TWINS.get(operation) or sync_to_async(operation)
