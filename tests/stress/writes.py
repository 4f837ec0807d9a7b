"""What a crowd writes in a tenant; what it committed it notes with its worker."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import CharField, F, IntegerField, Value
from django.db.models.functions import Cast, Concat, Substr

from multi_tenant.context import current_alias
from tests.stress.worker import (
    COUNTRY,
    LOCKED,
    TAGS,
    TALLY,
    Worker,
    expect,
    expect_at,
    expect_of,
    inside,
)
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book, Tag

LINK = Book.tags.through._meta.label


class AbandonedError(Exception):
    """Raised to roll a block back."""


def new_book(worker: Worker, alias: str) -> Book:
    """A book that is not saved."""
    key = worker.key(alias)
    return Book(pk=key, title=f"{alias}:{key}", author_id=worker.author())


def is_there(book: Book) -> bool:
    return Book.objects.filter(pk=book.pk).exists()


def create(worker: Worker, alias: str) -> None:
    key = worker.key(alias)
    book = Book.objects.create(pk=key, title=f"{alias}:{key}", author_id=worker.author())
    expect_at(alias, book, book.author)
    worker.made(alias, key)


def create_many(worker: Worker, alias: str) -> None:
    books = Book.objects.bulk_create([new_book(worker, alias) for _ in range(3)])
    expect_at(alias, *books)
    worker.made(alias, *(book.pk for book in books))


def save(worker: Worker, alias: str) -> None:
    key = worker.one_of_its(alias)
    if key is None:
        create(worker, alias)
        return
    book = Book.objects.get(pk=key)
    expect_at(alias, book)
    book.title = f"{alias}:{key} saved"
    book.author = Author.objects.get(pk=worker.author())
    book.save()
    book.refresh_from_db()
    expect_at(alias, book, book.author)


def update(worker: Worker, alias: str) -> None:
    mine = Book.objects.filter(pk__in=worker.books[alias])
    rows = mine.update(title=Concat(Value(f"{alias}:updated "), Cast("pk", CharField())))
    expect(rows == len(worker.books[alias]), f"{rows} rows of {alias!r} were updated, not {len(worker.books[alias])}")


def count_up(worker: Worker, alias: str) -> None:
    """One more, counted by the database: the text after the colon is a number."""
    start = len(alias) + 2
    number = Cast(Cast(Substr("word", start), IntegerField()) + 1, CharField())
    rows = Tag.objects.filter(pk=TALLY).update(word=Concat(Substr(F("word"), 1, start - 1), number))
    expect(rows == 1, f"{rows} rows of {alias!r} were counted up")
    worker.tallies[alias, TALLY] += 1


def count_locked(worker: Worker, alias: str) -> None:
    """One more, counted in Python while the row is locked."""
    with transaction.atomic():
        tag = Tag.objects.select_for_update().get(pk=LOCKED)
        expect_at(alias, tag)
        number = int(tag.word.partition(":")[2])
        tag.word = f"{alias}:{number + 1}"
        tag.save(update_fields=["word"])
    worker.tallies[alias, LOCKED] += 1


def remove(worker: Worker, alias: str) -> None:
    key = worker.one_of_its(alias)
    if key is None:
        create(worker, alias)
        return
    book = Book.objects.get(pk=key)
    expect_at(alias, book)
    _, deleted = book.delete()
    worker.forget(alias, key, deleted)


def remove_by_query(worker: Worker, alias: str) -> None:
    key = worker.one_of_its(alias)
    if key is None:
        create_many(worker, alias)
        return
    _, deleted = Book.objects.filter(pk=key).delete()
    worker.forget(alias, key, deleted)


def roll_back(worker: Worker, alias: str) -> None:
    lost = new_book(worker, alias)
    called: list[str | None] = []
    try:
        with transaction.atomic():
            lost.save(force_insert=True)
            transaction.on_commit(lambda: called.append(current_alias()))
            raise AbandonedError
    except AbandonedError:
        pass
    expect(not is_there(lost), f"{lost} of {alias!r} was rolled back and is there")
    expect(not called, "a callback of a block that was rolled back ran")


def keep_half(worker: Worker, alias: str) -> None:
    kept, lost = new_book(worker, alias), new_book(worker, alias)
    with transaction.atomic():
        kept.save(force_insert=True)
        try:
            with transaction.atomic():
                lost.save(force_insert=True)
                raise AbandonedError
        except AbandonedError:
            expect(is_there(kept) and not is_there(lost), "a savepoint was not rolled back alone")
    worker.made(alias, kept.pk)


def after_commit(worker: Worker, alias: str) -> None:
    called: list[str | None] = []
    book = new_book(worker, alias)
    with transaction.atomic():
        book.save(force_insert=True)
        transaction.on_commit(lambda: called.append(current_alias()))
        expect(not called, "a callback ran before its commit")
    worker.made(alias, book.pk)
    expect(called == [alias], f"callbacks of {alias!r} ran in {called}")


def raw_statements(worker: Worker, alias: str) -> None:
    key = worker.key(alias)
    with transaction.atomic(), connection.cursor() as cursor:
        statement = "INSERT INTO library_book (id, title, author_id) VALUES (%s, %s, %s)"
        cursor.execute(statement, [key, f"{alias}:{key}", worker.author()])
    worker.made(alias, key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT title FROM library_book WHERE id = %s", [key])
        expect_of(alias, *cursor.fetchone())


def get_or_make(worker: Worker, alias: str) -> None:
    word = f"{alias}:{worker.number}:{worker.rng.randrange(3)}"
    tag, made = Tag.objects.get_or_create(word=word)
    expect_at(alias, tag)
    worker.wrote(alias, Tag._meta.label, int(made))


def label(worker: Worker, alias: str) -> None:
    key = worker.one_of_its(alias)
    if key is None:
        create(worker, alias)
        return
    book = Book.objects.get(pk=key)
    book.tags.add(*Tag.objects.filter(pk__in=TAGS))
    expect_at(alias, book, *book.tags.all())
    if (alias, key) not in worker.labelled:
        worker.labelled.add((alias, key))
        worker.wrote(alias, LINK, len(TAGS))


def found_city(worker: Worker, alias: str) -> None:
    """A row of a model that lives in public, too, under the same keys."""
    country = Country.objects.get(pk=COUNTRY)
    expect(country.code == alias[-2:], f"{country} is the country of {alias!r}")
    city = City.objects.create(name=f"{alias}:{worker.number}", country=country)
    expect_at(alias, city, City.objects.get(pk=city.pk))
    worker.wrote(alias, City._meta.label, 1)


def write_in_two(worker: Worker, alias: str) -> None:
    """Two blocks at once. Everybody takes tenants in one order, or two would wait for each other."""
    first, second = sorted((alias, worker.other(alias)))
    with inside(first):
        one, two = new_book(worker, first), new_book(worker, second)
        with transaction.atomic():
            one.save(force_insert=True)
            with inside(second), transaction.atomic():
                two.save(force_insert=True)
            worker.made(second, two.pk)
            expect_at(first, Book.objects.get(pk=one.pk))
        worker.made(first, one.pk)
