"""A registry entry that changed reaches the connections that are open, in every thread and process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections, transaction

from multi_tenant.context import tenant_bound, tenant_context
from multi_tenant.exceptions import TenantUnavailableError
from multi_tenant.models import Tenant
from multi_tenant.registry.store import store
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.wrapper import TenantConnection
from tests import servers
from tests.processes import Watcher
from tests.promises.control import Without, guarded_by
from tests.settings import PUBLIC
from tests.testapp.library.models import Author

psycopg = pytest.importorskip("psycopg")
sql = pytest.importorskip("psycopg.sql")

pytestmark = pytest.mark.django_db(transaction=True)
Rotate = Callable[[Tenant], None]


@pytest.fixture(scope="module")
def roles() -> Iterator[list[str]]:
    """Roles of the server, dropped when nobody needs them to flush what tests wrote."""
    made: list[str] = []
    yield made
    connections.close_all()
    for role in made:
        run("DROP ROLE {}", role)


@pytest.fixture
def rotate(roles: list[str]) -> Rotate:
    """Gives a tenant another login; SQLite has none, but the entry changes all the same."""

    def change(tenant: Tenant) -> None:
        role = f"rotated_{tenant.pk.hex[:12]}_{uuid4().hex[:8]}"
        if PUBLIC == "postgres":
            run("CREATE ROLE {} LOGIN SUPERUSER PASSWORD 'rotated'", role)
            roles.append(role)
        row = Tenant.objects.get(pk=tenant.pk)
        row.database = {**row.database, "USER": role, "PASSWORD": "rotated"}
        row.save()

    return change


def run(statement: str, role: str) -> None:
    with psycopg.connect(servers.provide("postgres"), autocommit=True) as server:
        server.execute(sql.SQL(statement).format(sql.Identifier(role)))


def login() -> str:
    """Who the active tenant's connection is logged in as; opened if need be."""
    connection.ensure_connection()
    if PUBLIC == "postgres":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchone()[0])
    return str(connection.settings_dict["USER"])


def test_an_open_connection_is_made_anew_and_the_old_one_closed(acme: Tenant, rotate: Rotate) -> None:
    with tenant_context(acme):
        before, old = login(), connections["acme"]
        rotate(acme)
        assert login() != before
        assert login().startswith("rotated")
        assert old.connection is None
        assert connections["acme"] is not old


def never(self: TenantConnection, place: Any, version: Any) -> bool:
    """As if nothing were ever certain."""
    return False


@guarded_by(Without(TenantConnection, "is_confirmed", never))
def test_what_is_certain_is_not_looked_up_again(acme: Tenant, configure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(REGISTRY_TTL=600)
    asked: list[str] = []

    def note(alias: str, **options: Any) -> Any:
        asked.append(alias)
        return get(alias, **options)

    with tenant_context(acme):
        mine = [connections["acme"], connections["acme"]]
        with monkeypatch.context() as patch:
            patch.setattr(store, "get", note)
            mine.append(connections["acme"])
    assert asked == []
    assert len(set(map(id, mine))) == 1


get = store.get


def by_place_alone(self: TenantConnection, place: Any, version: Any) -> bool:
    """As if nothing changed while one is at a place."""
    return place is self._confirmed_at


@guarded_by(Without(TenantConnection, "is_confirmed", by_place_alone))
def test_a_change_in_the_middle_of_a_request_is_noticed(acme: Tenant) -> None:
    with tenant_context(acme):
        assert connections["acme"] is connections["acme"]
        Tenant.objects.filter(pk=acme.pk).update(state="suspended")
        with pytest.raises(TenantUnavailableError):
            connections["acme"]


def swap_at_once(self: TenantConnectionHandler, alias: str, place: Any) -> Any:
    """As if nothing could be in use."""
    old = self._live.get(alias)
    record = self._record(alias, place)
    if old is not None and old.record.generation != record.generation:
        old.in_atomic_block = False
        old.close()
        del self[alias]
    return of_tenant(self, alias, place)


of_tenant = TenantConnectionHandler._of_tenant


@guarded_by(Without(TenantConnectionHandler, "_of_tenant", swap_at_once))
def test_nothing_is_swapped_inside_a_block(acme: Tenant, rotate: Rotate) -> None:
    with tenant_context(acme):
        block = transaction.atomic()
        block.__enter__()
        mine = connections["acme"]
        Author.objects.create(name="kept")
        rotate(acme)
        is_kept = connections["acme"] is mine
        assert is_kept
        Author.objects.create(name="kept too")
        block.__exit__(None, None, None)
        assert login().startswith("rotated")
        assert Author.objects.count() == 2


def test_nothing_is_swapped_under_an_open_cursor(acme: Tenant, rotate: Rotate) -> None:
    with tenant_context(acme):
        Author.objects.bulk_create(Author(name=str(number)) for number in range(300))
        rows = Author.objects.iterator(chunk_size=100)
        next(rows)
        rotate(acme)
        assert len(list(rows)) == 299
        assert login().startswith("rotated")


def test_a_change_reaches_other_threads(acme: Tenant, rotate: Rotate) -> None:
    with ThreadPoolExecutor(3) as executor:
        together = threading.Barrier(3, timeout=30)

        def work() -> str:
            together.wait()  # each in a thread of its own
            return login()

        def all_threads() -> set[str]:
            with tenant_context(acme):
                jobs = [executor.submit(tenant_bound(work)) for _ in range(3)]
            return {job.result() for job in jobs}

        before = all_threads()
        rotate(acme)
        after = all_threads()
        for _ in range(3):
            executor.submit(leave, together)
    assert len(before) == len(after) == 1
    assert before != after


def leave(together: threading.Barrier) -> None:
    together.wait()
    connections.close_all()


def test_a_change_reaches_other_processes(acme: Tenant, rotate: Rotate) -> None:
    with tenant_context(acme):
        Author.objects.create(name="old")
    with Watcher("acme", "inside", ttl=0.3) as watcher:
        assert watcher.says("served old", within=60)
        rotate(acme)
        if PUBLIC == "postgres":
            # The connection that is open would go on, if it were not replaced.
            assert eventually(lambda: sessions_of("rotated") > 0)
        with tenant_context(acme):
            Author.objects.update(name="new")
        assert watcher.says("served new", within=20)


def eventually(true: Callable[[], bool]) -> bool:
    """Whether something comes true while a watcher goes on, in some 20 seconds."""
    waiting: queue.Queue[None] = queue.Queue()
    for _ in range(200):
        if true():
            return True
        try:
            waiting.get(timeout=0.1)
        except queue.Empty:
            continue
    return False


def sessions_of(role: str) -> int:
    with psycopg.connect(servers.provide("postgres"), autocommit=True) as server:
        row = server.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE starts_with(usename, %s)", [role]).fetchone()
    assert row is not None
    return int(row[0])


def test_a_name_that_changes_alone_changes_no_connection(acme: Tenant) -> None:
    with tenant_context(acme):
        mine = connections["acme"]
        connection.ensure_connection()
        Tenant.objects.filter(pk=acme.pk).update(name="New name")
        assert connections["acme"] is mine
        assert mine.connection is not None


def test_content_types_of_a_moved_alias_are_looked_up_again(acme: Tenant, rotate: Rotate) -> None:
    with tenant_context(acme):
        ContentType.objects.get_for_model(Author)
        assert "acme" in ContentType.objects._cache  # type: ignore[attr-defined]  # Django's own
        rotate(acme)
        connection.ensure_connection()
        assert "acme" not in ContentType.objects._cache  # type: ignore[attr-defined]  # Django's own
