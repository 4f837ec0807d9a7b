"""The guard: a tenant's connections and querysets are refused elsewhere, also where no router is asked."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.db.models import Count, Exists, OuterRef, Prefetch, Subquery, query

from multi_tenant.conf import Guard, conf
from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context, tenant_context
from multi_tenant.exceptions import ConfigurationError, MultiTenantError, WrongTenantError
from multi_tenant.models import Tenant
from multi_tenant.routing import guard, router, rows, settling
from tests.promises.control import Without, WithoutPatch, all_of, guard_off, guarded_by, refused
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book, Tag

TITLES = "SELECT id, title, author_id FROM library_book"


def write_book(word: str) -> None:
    book = Book.objects.create(pk=1, title=word, author=Author.objects.create(pk=1, name=word))
    book.tags.add(Tag.objects.create(pk=1, word=word))


@pytest.fixture
def held(acme: Tenant, bolt: Tenant) -> Iterator[Any]:
    """What was built, fetched and opened in acme; bolt, which has the same keys, is entered."""
    with tenant_context(bolt):
        write_book("bolt")
    with tenant_context(acme):
        write_book("acme")
        found = SimpleNamespace(lazy=Book.objects.filter(pk=1), done=Book.objects.all(), raw=Book.objects.raw(TITLES))
        assert list(found.done) + list(found.raw)
        found.pickled, found.values = pickle.dumps(found.done), Book.objects.values_list("title")
        found.author = Author.objects.prefetch_related("books").get()
        found.steps = Book.objects.all().iterator()
        found.raw_steps = Book.objects.raw(f"{TITLES} UNION ALL {TITLES}").iterator()
        next(found.raw_steps)
        found.connection = connections["acme"]
        found.cursor = connection.cursor()
        found.cursor.execute(TITLES)
        found.fetch = found.cursor.fetchall
        found.answering = connection.cursor()
        found.answer = found.answering.execute(TITLES) or found.answering
    with tenant_context(bolt):
        yield found
    for opened in found.cursor, found.answering, found.steps, found.raw_steps:
        opened.close()


def tried(call: Callable[[], Any]) -> Any:
    """What a call answers; an error leaves the test's own transaction whole."""
    with transaction.atomic():
        return call()


def use_copy(opened: Any) -> None:
    """A second connection is the test's own to close."""
    with closing(opened.copy()) as other:
        other.cursor().close()


CONNECTIONS: dict[str, Callable[[Any], Any]] = {
    "a connection": lambda held: held.connection.cursor(),
    "a connection by its alias": lambda held: connections["acme"].cursor(),
    "a server-side cursor": lambda held: held.connection.chunked_cursor().close(),
    "another statement": lambda held: held.cursor.execute("SELECT 1"),
    "many statements": lambda held: held.cursor.executemany("DELETE FROM library_tag WHERE id = %s", [[7]]),
    "rows": lambda held: held.cursor.fetchall(),
    "a row": lambda held: held.cursor.fetchone(),
    "some rows": lambda held: held.cursor.fetchmany(1),
    "iteration": lambda held: list(held.cursor),
    "rows by a method that is held": lambda held: held.fetch(),
    "rows of what a statement answers": lambda held: held.answer.fetchall(),
    "a copied connection": lambda held: use_copy(held.connection),
    "a bulk write past the router": lambda held: transaction.get_connection("acme").cursor().execute("SELECT 1"),
}


@guarded_by(guard_off)
@pytest.mark.parametrize("use", CONNECTIONS)
def test_a_tenants_connection_is_refused_in_another(use: str, held: Any) -> None:
    assert refused(WrongTenantError, lambda: CONNECTIONS[use](held))


@guarded_by(guard_off)
@pytest.mark.parametrize("place", [fixed_context(UNDECIDED_PLACE), public_context()], ids=["undecided", "public"])
def test_a_tenants_connection_is_refused_outside_of_it(place: Any, held: Any) -> None:
    with place.again():
        assert refused(WrongTenantError, held.connection.cursor)
        assert refused(WrongTenantError, lambda: held.cursor.fetchall())  # noqa: PLW0108  # to look it up is a use


def test_a_held_cursor_may_be_closed_anywhere(held: Any) -> None:
    assert held.cursor in held.connection._cursors
    held.cursor.close()
    assert held.cursor not in held.connection._cursors


def test_a_cursor_is_good_again_at_home(held: Any) -> None:
    with tenant_context("acme", switch=True):
        assert len(held.cursor.fetchall()) == 1


QUERYSETS: dict[str, Callable[[Any], Any]] = {
    "lazy": lambda held: list(held.lazy),
    "lazy, derived": lambda held: list(held.lazy.order_by("title")),
    "lazy, copied": lambda held: list(copy.deepcopy(held.lazy)),
    "lazy, sliced": lambda held: list(held.lazy[:1]),
    "count": lambda held: held.lazy.count(),
    "exists": lambda held: held.lazy.exists(),
    "first": lambda held: held.lazy.first(),
    "get": lambda held: held.lazy.get(),
    "aggregate": lambda held: held.lazy.aggregate(one=Count("id")),
    "iterator": lambda held: list(held.lazy.iterator()),
    "in bulk": lambda held: Book.objects.all() and held.lazy.in_bulk([1]),
    "values": lambda held: list(held.values),
    "update": lambda held: held.lazy.update(title="new"),
    "delete": lambda held: held.lazy.delete(),
    "get or create": lambda held: held.lazy.get_or_create(pk=1),
    "fetched": lambda held: list(held.done),
    "fetched, counted": lambda held: held.done.count(),
    "fetched, measured": lambda held: len(held.done),
    "fetched, asked for any": lambda held: bool(held.done),
    "fetched, asked for one": lambda held: held.done.contains(Book.objects.get()),
    "fetched, exists": lambda held: held.done.exists(),
    "fetched, indexed": lambda held: held.done[0],
    "fetched, derived": lambda held: list(held.done.filter(pk=1)),
    "fetched, pickled": lambda held: list(pickle.loads(held.pickled)),
    "raw, fetched": lambda held: list(held.raw),
    "raw, pickled": lambda held: held.raw[0],
    "prefetched": lambda held: list(held.author.books.all()),
    "an iterator": lambda held: next(held.steps),
    "a raw iterator": lambda held: next(held.raw_steps),
    "subquery": lambda held: list(Author.objects.filter(books__in=held.lazy)),
    "subquery, fetched": lambda held: list(Author.objects.filter(books__in=held.done)),
    "subquery expression": lambda held: list(Author.objects.annotate(x=Subquery(held.values[:1]))),
    "exists expression": lambda held: list(Author.objects.filter(Exists(held.lazy))),
    "outer reference": lambda held: list(Author.objects.filter(Exists(held.lazy.filter(author=OuterRef("pk"))))),
    "excluded": lambda held: list(Author.objects.exclude(books__in=held.lazy)),
    "union": lambda held: list(Book.objects.all().union(held.lazy)),
    "union of foreign ones": lambda held: list(held.lazy.union(held.values)),
    "or": lambda held: list(Book.objects.all() | held.lazy),
    "or, the other way": lambda held: list(held.lazy | Book.objects.all()),
    "and": lambda held: list(Book.objects.all() & held.lazy),
    "a filter by an object": lambda held: list(Book.objects.filter(author=held.author)),
    "a filter by objects": lambda held: list(Book.objects.filter(author__in=[held.author])),
    "an exclusion by an object": lambda held: list(Book.objects.exclude(author=held.author)),
    "contains": lambda held: Author.objects.contains(held.author),
    "exists of a named alias": lambda held: list(Author.objects.filter(Exists(Book.objects.using("acme")))),
    "printed": lambda held: str(held.lazy.query),
}


def statements_only() -> AbstractContextManager[Any]:
    """The guard looks at connections alone."""
    return patch.object(conf, "GUARD", Guard.STATEMENTS)


@guarded_by(guard_off)
@pytest.mark.parametrize("use", QUERYSETS)
def test_a_queryset_of_one_tenant_is_refused_in_another(use: str, held: Any) -> None:
    assert refused(WrongTenantError, lambda: tried(lambda: QUERYSETS[use](held)))
    assert Book.objects.get().title == "bolt"


@guarded_by(statements_only)
@pytest.mark.parametrize("use", ["lazy", "fetched", "prefetched", "subquery", "or", "a filter by an object"])
def test_the_looks_at_querysets_can_be_left_out(use: str, held: Any) -> None:
    assert refused(WrongTenantError, lambda: QUERYSETS[use](held))


@pytest.mark.parametrize("use", CONNECTIONS)
def test_statements_are_looked_at_without_querysets(use: str, held: Any) -> None:
    with statements_only():
        assert refused(WrongTenantError, lambda: CONNECTIONS[use](held))


@guarded_by(guard_off)
def test_a_fetched_queryset_is_refused_outside_of_its_tenant(held: Any) -> None:
    with public_context():
        assert refused(WrongTenantError, lambda: list(held.done))


async def consumed_elsewhere(found: list[Any]) -> None:
    rows = Author.objects.all().aiterator()
    try:
        async with tenant_context("acme"):
            found.append(await anext(rows))
        async with tenant_context("bolt"):
            found.append(await anext(rows))
    finally:
        await sync_to_async(connections.close_all)()


@guarded_by(guard_off)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", [fixed_context(UNDECIDED_PLACE), public_context()], ids=["undecided", "public"])
def test_an_async_iterator_is_refused_in_another_tenant(place: Any, acme: Tenant, bolt: Tenant) -> None:
    found: list[Any] = []
    with tenant_context(acme):
        Author.objects.bulk_create([Author(name="1"), Author(name="2")])
    with place.again():
        assert refused(WrongTenantError, lambda: asyncio.run(consumed_elsewhere(found)))
    assert len(found) == 1


def test_an_iterator_belongs_to_where_its_first_row_is_asked_for(acme: Tenant) -> None:
    steps = Country.objects.iterator()
    with tenant_context(acme):
        Country.objects.create(code="fr")
        assert next(steps).code == "fr"


EVERYWHERE = Book.objects.all()
BY_TITLE = Book.objects.order_by("title")
WRITTEN = Exists(Book.objects.using("default").filter(author=OuterRef("pk")))


def test_a_queryset_of_a_class_or_module_serves_every_tenant(held: Any) -> None:
    assert [book.title for book in EVERYWHERE.all()] == ["bolt"]
    with tenant_context("acme", switch=True):
        assert [book.title for book in EVERYWHERE.all()] == ["acme"]
        assert Author.objects.filter(books__in=BY_TITLE).get().name == "acme"
    assert Author.objects.filter(books__in=BY_TITLE).get().name == "bolt"


@guarded_by(WithoutPatch(query, "normalize_prefetch_lookups"))
def test_a_prefetch_of_a_class_or_module_serves_every_tenant(held: Any) -> None:
    with public_context():
        books = Book.objects.order_by("title")
        authors = Author.objects.prefetch_related(Prefetch("books", books))
    with tenant_context("acme", switch=True):
        assert [book.title for book in authors.get().books.all()] == ["acme"]
    assert not refused(WrongTenantError, books.count)
    assert [book.title for book in authors.get().books.all()] == ["bolt"]


def test_an_expression_of_a_module_that_names_default_serves_every_tenant(held: Any) -> None:
    assert Author.objects.get(WRITTEN).name == "bolt"
    with tenant_context("acme", switch=True):
        assert Author.objects.get(WRITTEN).name == "acme"


@guarded_by(guard_off)
def test_rows_and_their_place_are_kept_as_one(held: Any) -> None:
    """Two attributes are set one after the other, and threads that share a queryset would mix up theirs."""
    ours = Book.objects.all()
    assert [book.title for book in ours] == ["bolt"]
    ours.__dict__[rows.ROWS] = held.done.__dict__[rows.ROWS]
    assert refused(WrongTenantError, lambda: list(ours))


@guarded_by(guard_off)
def test_a_queryset_of_a_module_is_refused_once_it_holds_rows(held: Any) -> None:
    queryset = EVERYWHERE.all()
    with tenant_context("acme", switch=True):
        assert list(queryset)
    assert refused(WrongTenantError, lambda: list(queryset))
    assert [book.title for book in queryset.all()] == ["bolt"]


def test_a_tenant_that_is_left_and_entered_again_is_the_same(held: Any) -> None:
    with tenant_context("acme", switch=True):
        assert [book.title for book in held.lazy] == [book.title for book in held.done] == ["acme"]
        assert next(held.steps).title == "acme"
        assert Book.objects.get(author=held.author).title == "acme"


def test_shared_rows_are_the_same_everywhere(acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        plan = Plan.objects.create(name="free")
        lazy, done = Plan.objects.filter(pk=plan.pk), Plan.objects.all()
        assert list(done) == [plan]
    with tenant_context(bolt):
        assert list(lazy) == list(done) == list(Plan.objects.filter(pk__in=lazy)) == [plan]
        assert done.contains(plan)


def test_what_is_asked_of_public_by_name_is_the_same_everywhere(acme: Tenant, bolt: Tenant) -> None:
    country = Country.objects.create(code="fr")
    City.objects.create(name="Paris", country=country)
    with tenant_context(acme):
        lazy = City.objects.using("public").filter(country=country)
        done = City.objects.using("public")
        assert lazy.get().name == done[0].name == done.get().name == "Paris"
        assert len(done) == 1
    for place in tenant_context(bolt), public_context():
        with place:
            assert lazy.get().name == next(iter(done)).name == "Paris"


def in_both_homes(into: str, acme: Tenant) -> tuple[Country, Country, Any]:
    """The country of a key where one goes to, the one of the same key in the other home, and the place to go to."""
    places = {"public": public_context(), "acme": tenant_context(acme)}
    countries = {}
    for name, place in places.items():
        with place.again():
            countries[name] = Country.objects.create(pk=1, code="fr")
    [other] = countries.keys() - {into}
    return countries[into], countries[other], places[into].again()


@guarded_by(guard_off)
@pytest.mark.parametrize("into", ["public", "acme"])
def test_a_filter_by_an_object_of_the_other_home_is_refused(into: str, acme: Tenant) -> None:
    ours, theirs, place = in_both_homes(into, acme)
    with place:
        assert refused(WrongTenantError, lambda: list(City.objects.filter(country=theirs)))
        assert list(City.objects.filter(country=ours)) == []


@guarded_by(guard_off)
@pytest.mark.parametrize("into", ["public", "acme"])
def test_an_object_of_the_other_home_is_not_written(into: str, acme: Tenant) -> None:
    ours, theirs, place = in_both_homes(into, acme)
    with place:
        assert refused(WrongTenantError, lambda: tried(lambda: City.objects.update(country=theirs)))
        assert City.objects.update(country=ours) == 0


def test_a_filter_by_objects_of_two_databases_is_refused(acme: Tenant) -> None:
    ours = Country.objects.create(code="fr")
    with tenant_context(acme):
        theirs = Country.objects.create(code="fr")
        with pytest.raises(WrongTenantError, match="was given an object"):
            City.objects.filter(country=ours).filter(country=theirs)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fails", [False, True])
def test_a_block_ends_on_its_connection_whatever_is_active(fails: bool, acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        outer, inner = transaction.atomic(), transaction.atomic()
        outer.__enter__()
        inner.__enter__()
        Author.objects.create(name="acme")
    with tenant_context(bolt):
        error = (ValueError, ValueError(), None) if fails else (None, None, None)
        inner.__exit__(*error)
        outer.__exit__(None, None, None)
        assert not Author.objects.exists()
    with tenant_context(acme):
        assert Author.objects.count() == (0 if fails else 1)
        assert not connection.in_atomic_block


def wrong_router() -> AbstractContextManager[Any]:
    """A router that always answers another tenant than the active one, and says of every object that it is at home."""

    def wrong(*args: Any, **hints: Any) -> str:
        return "acme"

    return all_of(
        Without(router, "home_alias", wrong),
        Without(router, "database_for", wrong),
        Without(settling, "settled", wrong),
        Without(guard, "settled", wrong),
    )


WRITES: dict[str, Callable[[], Any]] = {
    "read": Author.objects.get,
    "count": Author.objects.count,
    "create": lambda: Author.objects.create(name="new"),
    "bulk create": lambda: Author.objects.bulk_create([Author(name="new")]),
    "update": lambda: Author.objects.update(name="new"),
    "delete": lambda: Book.objects.all().delete(),
    "save": lambda: Author(pk=1, name="new").save(),
    "many to many": lambda: Book(pk=1).tags.add(1),
    "raw": lambda: list(Book.objects.raw(TITLES)),
    "iterator": lambda: list(Author.objects.iterator()),
    "select for update": lambda: list(Author.objects.select_for_update()),
}


@guarded_by(guard_off)
@pytest.mark.parametrize("write", WRITES)
def test_the_guard_refuses_what_a_broken_router_sends_to_another_tenant(write: str, held: Any) -> None:
    """With roles and the marker as the third line, which are tested with the databases."""
    with wrong_router(), transaction.atomic(using="acme"):
        assert refused(WrongTenantError, WRITES[write])
    with tenant_context("acme", switch=True):
        assert (Author.objects.get().name, Book.objects.get().tags.count()) == ("acme", 1)


def test_an_unknown_level_is_refused(configure: Any) -> None:
    configure(GUARD="some")
    with pytest.raises(ConfigurationError, match="'full', 'statements', 'off'"):
        str(conf.GUARD)


def test_errors_name_both_places_and_the_cure(held: Any) -> None:
    with pytest.raises(WrongTenantError, match=r"tenant_context\('acme'\)") as caught:
        held.connection.cursor()
    assert (caught.value.found, caught.value.expected) == ("acme", "bolt")
    with pytest.raises(MultiTenantError, match="keep keys, not querysets") as lazily:
        list(held.lazy)
    assert isinstance(lazily.value, WrongTenantError)
    assert (lazily.value.found, lazily.value.expected) == ("acme", "bolt")
