"""Tenants on MariaDB while the public database is on another engine: whoever asks for ``default`` is told of theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, models, transaction
from django.db.models import Prefetch, QuerySet
from django.test import Client
from django.test.utils import isolate_apps

from multi_tenant import current_alias, tenant_bound, tenant_context
from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.lifecycle.building import migrate
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import Domain, Tenant
from multi_tenant.routing import outages
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.marker import write_marker
from multi_tenant.routing.owner import inside_record
from tests import servers
from tests.promises.control import Without, guarded_by
from tests.routing.test_default_follows import fails, names, public_default
from tests.settings import PUBLIC
from tests.testapp.library.models import Author, Book, Tag

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PUBLIC == "mariadb", reason="here the public database is on another engine"),
]
PREFIX = f"r{os.getpid()}_"


@pytest.fixture(scope="session")
def made(mariadb_url: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Tenant]]:
    """Two tenants' databases, migrated once; what tests leave in them is flushed."""
    entry = servers.database_entry(mariadb_url)
    engine = engine_of(complete_own(entry), alias="maker")
    with django_db_blocker.unblock():
        tenants = [make(engine, {**entry, "NAME": f"{PREFIX}{alias}"}, alias) for alias in ("acme", "bolt")]
    yield tenants
    with django_db_blocker.unblock():
        for name in engine.names(PREFIX):
            engine.drop(name)


def make(engine: Engine, entry: dict[str, Any], alias: str) -> Tenant:
    fields: Any = {"placement": "own", "state": "active", "database": entry}
    tenant = Tenant(alias=alias, **fields)
    engine.create(entry["NAME"])
    record = TenantRecord(alias, tenant.pk, "", "provisioning", engine.entry_for(entry["NAME"]), marked=False)
    with inside_record(record) as inner:
        migrate()
        write_marker(inner, tenant.pk)
    return tenant


@pytest.fixture
def tenants(made: list[Tenant], configure: Any) -> list[Tenant]:
    configure(ENTRY_HOSTS=["127.0.0.1", "localhost"], PUBLIC_HOSTS=["example.com"])
    for tenant in made:
        tenant._state.adding, tenant._state.db = True, None
        tenant.save(force_insert=True)
    return made


@pytest.fixture
def acme(tenants: list[Tenant]) -> Tenant:
    return tenants[0]


@pytest.fixture
def bolt(tenants: list[Tenant]) -> Tenant:
    return tenants[1]


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[Tenant]:
    with tenant_context(acme):
        yield acme


def test_default_is_the_tenants_engine(in_acme: Tenant) -> None:
    assert connections["default"].vendor == connection.vendor == "mysql"
    assert connections["public"].vendor != "mysql"


def test_rows_with_equal_keys_stay_apart(acme: Tenant, bolt: Tenant) -> None:
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            Author.objects.create(pk=1, name=tenant.alias)
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            assert names() == [tenant.alias]


def test_a_bare_block_rolls_the_tenant_back(in_acme: Tenant) -> None:
    with fails(), transaction.atomic():
        Author.objects.create(name="lost")
        with transaction.atomic():
            Author.objects.create(name="lost too")
        _ = 1 / 0
    assert names() == []


def test_a_savepoint_rolls_its_part_back(in_acme: Tenant) -> None:
    with transaction.atomic():
        Author.objects.create(name="kept")
        with fails(), transaction.atomic():
            Author.objects.create(name="lost")
            _ = 1 / 0
    assert names() == ["kept"]


def test_callbacks_wait_for_the_tenants_block(in_acme: Tenant) -> None:
    ran: list[str | None] = []
    with transaction.atomic():
        transaction.on_commit(lambda: ran.append(current_alias()))
        assert ran == []
    assert ran == ["acme"]


def test_select_for_update_locks_the_tenants_row(in_acme: Tenant) -> None:
    Author.objects.create(name="locked")

    def locked_rows() -> int:
        try:
            with transaction.atomic():
                return len(Author.objects.select_for_update(skip_locked=True))
        finally:
            connections.close_all()

    with transaction.atomic():
        Author.objects.select_for_update().get()
        with ThreadPoolExecutor(1) as executor:
            assert executor.submit(tenant_bound(locked_rows)).result() == 0


def test_a_request_is_answered_from_the_tenants_database(acme: Tenant, bolt: Tenant, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.middleware.urls"
    for tenant in (acme, bolt):
        Domain.objects.create(tenant=tenant, host=f"{tenant.alias}.example.com")
        with tenant_context(tenant):
            Author.objects.create(name=tenant.alias)
    for tenant in (acme, bolt):
        assert Client(headers={"host": f"{tenant.alias}.example.com"}).get("/authors/").json() == [tenant.alias]


def test_a_request_that_fails_is_rolled_back(acme: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF = "tests.middleware.urls"
    monkeypatch.setitem(connections["public"].settings_dict, "ATOMIC_REQUESTS", True)
    Domain.objects.create(tenant=acme, host="acme.example.com")
    with pytest.raises(RuntimeError, match="after the write"):
        Client(headers={"host": "acme.example.com"}).get("/add_and_fail/")
    with tenant_context(acme):
        assert names() == []


@guarded_by(Without(outages, "is_lost", lambda connection: False))
@pytest.mark.parametrize("ended", ["outside", "inside"])
def test_a_connection_that_dies_under_a_statement_is_named(acme: Tenant, ended: str) -> None:
    with tenant_context(acme):
        try:
            with pytest.raises(OperationalError) as caught:
                die(inside=ended == "inside")
            assert isinstance(caught.value, TenantConnectionError)
            assert caught.value.alias == "acme"
        finally:
            connections["acme"].close_if_unusable_or_obsolete()  # as Django does at a request's end
        assert names() == []


def die(*, inside: bool) -> None:
    """Have the server end the session, and go on."""
    with transaction.atomic() if inside else nullcontext():
        Author.objects.create(name="lost") if inside else Author.objects.exists()
        with connection.cursor() as cursor, suppress(DatabaseError):
            cursor.execute("KILL CONNECTION_ID()")
        Author.objects.exists()


# What Django's ORM asks of connections["default"], whichever database a query is for.


def first_book() -> QuerySet[Book]:
    return Book.objects.order_by("title")[:1]


@guarded_by(public_default)
def test_what_the_orm_asks_of_default_is_answered_by_the_tenants_engine(in_acme: Tenant) -> None:
    """Sliced prefetches ask for window functions; filters and exclusions for how empty strings are stored."""
    asked: list[str] = []

    def noted(handler: TenantConnectionHandler, alias: str) -> Any:
        found = getitem(handler, alias)
        if alias == "default":
            asked.append(found.vendor)
        return found

    getitem = TenantConnectionHandler.__getitem__
    Author.objects.create(name="")
    with Without(TenantConnectionHandler, "__getitem__", noted)():
        assert Author.objects.exclude(name="x").filter(name="").count() == 1
        list(Author.objects.prefetch_related(Prefetch("books", first_book(), to_attr="first")))
    assert set(asked) == {"mysql"}


def test_an_empty_string_is_no_null(in_acme: Tenant) -> None:
    Author.objects.create(name="")
    assert Author.objects.filter(name="").count() == 1
    assert Author.objects.exclude(name="").count() == 0
    assert not Author.objects.filter(name__isnull=True).exists()


def test_a_sliced_prefetch_takes_the_first_of_each(in_acme: Tenant) -> None:
    for name in ("one", "two"):
        author = Author.objects.create(name=name)
        books = [Book.objects.create(title=f"{name} {title}", author=author) for title in "cab"]
        books[0].tags.add(Tag.objects.create(word=name))
    authors: Any = Author.objects.order_by("name").prefetch_related(Prefetch("books", first_book(), to_attr="first"))
    assert [[book.title for book in author.first] for author in authors] == [["one a"], ["two a"]]
    tagged: Any = Author.objects.order_by("name").prefetch_related("books__tags")
    assert [tag.word for author in tagged for book in author.books.all() for tag in book.tags.all()] == ["one", "two"]


@isolate_apps("tests.testapp.library")
def test_a_short_name_of_a_table_is_the_same_wherever_its_class_is_made(acme: Tenant) -> None:
    """Django cuts a table's name when the class is made, which is before there is a tenant, to fit into ``default``."""

    def table_of(length: int) -> str:
        meta = type("Meta", (), {"app_label": "library"})
        attributes = {"__module__": __name__, "Meta": meta, "id": models.AutoField(primary_key=True)}
        model: Any = type("A" * (length - len("library_")), (models.Model,), attributes)
        return str(model._meta.db_table)

    public, short = table_of(64), table_of(63)
    with tenant_context(acme):
        assert table_of(62) == "library_" + "a" * 54
        assert len(table_of(70)) == 64
        assert len(short) == 63
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {short} (id int)")
            cursor.execute(f"DROP TABLE {short}")
    assert len(public) == {"sqlite": 64, "postgresql": 63}[connections["public"].vendor]


def test_every_type_comes_back_as_it_went(in_acme: Tenant) -> None:
    """As utf8mb4, whatever the server's own character set is."""
    author = Author.objects.create(name="Grüße 🍐 'quoted' %s \\")
    author.refresh_from_db()
    assert author.name == "Grüße 🍐 'quoted' %s \\"
