"""While the registry is out of reach: what is served on, for how long, and how often it is asked for."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, InterfaceError, OperationalError, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.utils import Error

from multi_tenant.exceptions import RegistryUnavailableError
from multi_tenant.registry import lookup
from multi_tenant.registry import store as store_module
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import Tenant
from multi_tenant.registry.store import Store, store
from multi_tenant.registry.versioned import Reign
from tests.promises.control import Without, guarded_by, refused
from tests.settings import PUBLIC as PUBLIC_ENGINE

Configure = Callable[..., None]
TTL = 5
STALE = 60


class Registry:
    """A registry with a clock, which the test moves; ``errors`` are what its next answers are replaced by."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.version = 1
        self.error: type[Error] | None = None
        self.find_error: type[Error] | None = None
        self.asked: list[str] = []
        self.lasts = 0.0

    def poll_version(self) -> int:
        self.asked.append("version")
        self.now += self.lasts
        if self.error:
            raise self.error("away")
        return self.version

    def find_tenant(self, alias: str) -> TenantRecord:
        self.asked.append(alias)
        error = self.error or self.find_error
        if error:
            raise error("away")
        return TenantRecord(alias, uuid4(), "", "active", None)

    def find_host(self, host: str) -> str:
        return self.find_tenant(host.partition(".")[0]).alias


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, configure: Configure) -> Registry:
    configure(REGISTRY_TTL=TTL, REGISTRY_STALE_IF_ERROR=STALE)
    made = Registry()
    monkeypatch.setattr(store_module, "monotonic", lambda: made.now)
    for name in ("poll_version", "find_tenant", "find_host"):
        monkeypatch.setattr(lookup, name, getattr(made, name))
    return made


def of_any_age() -> float:
    """As if nothing were ever too old."""
    return 1e9


def by_alias(store: Store) -> str:
    return store.get("acme").alias


def by_host(store: Store) -> str | None:
    return store.by_host("acme.example")


def by_alias_in_a_loop(store: Store) -> str:
    return asyncio.run(store.aget("acme")).alias


def by_host_in_a_loop(store: Store) -> str | None:
    return asyncio.run(store.aby_host("acme.example"))


def in_a_loop_without_waiting(store: Store) -> str:
    async def ask() -> str:
        return store.get("acme", any_age=True).alias

    return asyncio.run(ask())


ways = pytest.mark.parametrize(
    "way", [by_alias, by_host, by_alias_in_a_loop, by_host_in_a_loop, in_a_loop_without_waiting]
)


@guarded_by(Without(store_module, "oldest_allowed", of_any_age))
@ways
def test_nothing_older_than_the_limit_is_served(registry: Registry, way: Callable[[Store], str]) -> None:
    store = Store()
    assert (by_alias(store), by_host(store)) == ("acme", "acme")
    registry.error = OperationalError
    for _ in range(STALE):
        registry.now += 1
        assert way(store) == "acme"
        store.version()  # as other threads do, for code in a loop asks nobody
    registry.now += 0.01
    assert refused(RegistryUnavailableError, lambda: way(store))
    registry.now += TTL
    assert refused(RegistryUnavailableError, lambda: way(store))


@guarded_by(Without(store_module, "oldest_allowed", of_any_age))
def test_what_was_read_before_a_change_is_as_old_as_the_last_look_before_it(registry: Registry) -> None:
    """The change can be seen, and what it changed cannot be read: the entry may be of yesterday."""
    store = Store()
    by_alias(store)
    registry.now += 3_600
    registry.version += 1
    registry.find_error = OperationalError
    assert refused(RegistryUnavailableError, lambda: by_alias(store))


@guarded_by(Without(Reign, "end"))
def test_what_was_confirmed_just_before_a_change_is_served_on(registry: Registry) -> None:
    store = Store()
    by_alias(store)
    registry.now += 3_600
    assert store.version() == 1
    registry.now += STALE
    registry.version += 1
    registry.find_error = OperationalError
    assert not refused(RegistryUnavailableError, lambda: by_alias(store))


def test_versions_that_are_long_over_are_forgotten(registry: Registry) -> None:
    store = Store()
    for _ in range(100):
        store.version()
        registry.now += TTL
        registry.version += 1
    assert len(store._former) <= STALE / TTL + 1


def asks_in(registry: Registry, seconds: int, ask: Callable[[], Any]) -> list[str]:
    """What the registry is asked for while somebody asks the store each second."""
    registry.asked.clear()
    for _ in range(seconds):
        registry.now += 1
        refused(RegistryUnavailableError, ask)
    return registry.asked


def test_an_outage_is_looked_at_once_in_a_ttl(registry: Registry) -> None:
    store = Store()
    by_alias(store)
    registry.error = OperationalError
    assert asks_in(registry, 6 * TTL, lambda: by_alias(store)) == ["version"] * 6


@guarded_by(Without(store_module, "OperationalError", InterfaceError))
def test_tenants_that_are_not_cached_do_not_ask_each_by_themselves(registry: Registry) -> None:
    """Each such question may last as long as the network does, in a thread that others are served by."""
    store = Store()
    by_alias(store)
    registry.find_error = OperationalError
    asked = asks_in(registry, TTL - 1, lambda: store.get("late"))
    assert asked == ["late"]
    assert asks_in(registry, 2 * TTL, lambda: store.get("late")) == ["version", "late"] * 2


def test_one_question_that_the_database_cannot_answer_is_no_outage(registry: Registry) -> None:
    store = Store()
    by_alias(store)
    registry.find_error = DataError
    assert refused(RegistryUnavailableError, lambda: store.get("odd"))
    registry.find_error = None
    assert store.get("late").alias == "late"


@guarded_by(Without(Store, "look_again", Store.expire))
def test_doubts_about_an_entry_are_no_reason_to_ask_a_registry_that_is_away(registry: Registry) -> None:
    """Each request of a tenant whose login is refused doubts its entry."""
    store = Store()
    by_alias(store)
    store.look_again()
    assert asks_in(registry, 1, lambda: by_alias(store)) == ["version"]
    registry.error = OperationalError
    registry.now += TTL
    store.version()
    store.look_again()
    assert asks_in(registry, 1, lambda: by_alias(store)) == []


def test_an_attempt_that_lasts_is_not_followed_by_the_next(registry: Registry) -> None:
    store = Store()
    by_alias(store)
    registry.error, registry.lasts = OperationalError, 2 * TTL
    registry.now += TTL
    by_alias(store)
    assert asks_in(registry, TTL - 1, lambda: by_alias(store)) == []


def test_it_recovers_with_the_first_look_that_succeeds(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="multi_tenant.registry")
    store = Store()
    by_alias(store)
    registry.error = OperationalError
    registry.now += STALE + 1
    assert refused(RegistryUnavailableError, lambda: by_alias(store))
    registry.error = None
    registry.now += TTL
    assert by_alias(store) == "acme"
    assert store.get("late").alias == "late"
    assert [record.getMessage() for record in caplog.records] == [
        "The registry's version cannot be read (OperationalError); cached tenants are served on, for 0 s at most.",
        "The registry can be read again.",
    ]


def test_at_the_start_one_thread_asks_and_the_others_do_not_wait_for_ever(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PATIENCE", 0.01)
    store = Store()
    asking, go_on = threading.Event(), threading.Event()

    def hang() -> int:
        asking.set()
        assert go_on.wait(60)
        return 1

    monkeypatch.setattr(lookup, "poll_version", hang)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(store.version)
        assert asking.wait(60)
        assert refused(RegistryUnavailableError, store.version)
        go_on.set()
        assert first.result() == 1


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The registry's connection leads to a SQLite file that another process writes to."""
    entry = {**connections[PUBLIC].settings_dict, "NAME": tmp_path / "locked.sqlite3", "OPTIONS": {"timeout": 0}}
    connection = DatabaseWrapper(entry, PUBLIC)
    monkeypatch.setattr(lookup, "registry_connection", lambda: nullcontext(connection))
    with closing(sqlite3.connect(entry["NAME"], isolation_level=None)) as writer, closing(connection):
        writer.execute("CREATE TABLE t (id)")
        writer.execute("BEGIN EXCLUSIVE")
        yield connection


@pytest.mark.django_db
@guarded_by(Without(lookup, "is_lost", lambda connection: True))
def test_a_lock_is_waited_for_once(locked: Any) -> None:
    tried: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        tried.append(sql)
        return execute(sql, params, many, context)

    with locked.execute_wrapper(count), pytest.raises(OperationalError, match="locked"):
        lookup.poll_version()
    assert len(tried) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(PUBLIC_ENGINE == "sqlite", reason="a file has no server to lose")
@guarded_by(Without(lookup, "is_lost", lambda connection: False))
def test_a_kept_connection_that_died_is_no_outage(tenant_factory: Callable[..., Tenant]) -> None:
    """The version was read by another thread, or just before the connection died."""
    alias = tenant_factory().alias
    store.version()
    kept = connections[PUBLIC]
    with closing(kept.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [kept.connection.info.backend_pid])
    try:
        assert not refused(RegistryUnavailableError, lambda: store.get(alias))
    finally:
        kept.close()
