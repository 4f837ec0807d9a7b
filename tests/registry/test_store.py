"""The process's cache of tenants: bounded, honest, and deaf to the caller's transactions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import InvalidAliasError, RegistryNotCachedError, UnknownTenantError
from multi_tenant.models import Domain, Tenant
from multi_tenant.registry import lookup
from multi_tenant.registry import store as store_module
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import TenantState
from multi_tenant.registry.store import Store, store
from multi_tenant.registry.versioned import Versioned
from tests.promises.places import in_child, in_thread
from tests.settings import PUBLIC as PUBLIC_ENGINE

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)
Configure = Callable[..., None]


@pytest.fixture
def acme() -> Tenant:
    row: Tenant = Tenant.objects.create(alias="acme", state=TenantState.ACTIVE, database={"NAME": "acme"})
    Domain.objects.create(tenant=row, host="acme.example")
    return row


def test_a_tenant_is_found_by_alias_and_by_host(acme: Tenant) -> None:
    assert store.get("acme").uuid == acme.uuid
    assert store.by_host("acme.example") == "acme"
    assert store.by_host("other.example") is None
    with pytest.raises(UnknownTenantError):
        store.get("other")


def test_a_record_does_not_change(acme: Tenant) -> None:
    record = store.get("acme")
    with pytest.raises(AttributeError):
        record.state = "suspended"  # type: ignore[misc]  # what is tested
    acme.state = TenantState.SUSPENDED
    acme.save()
    assert record.state == TenantState.ACTIVE
    assert store.get("acme").state == TenantState.SUSPENDED


def test_an_unknown_tenant_that_is_made_is_found(acme: Tenant) -> None:
    for _ in range(2):
        with pytest.raises(UnknownTenantError):
            store.get("bolt")
        assert store.by_host("bolt.example") is None
    row = Tenant.objects.create(alias="bolt")
    Domain.objects.create(tenant=row, host="bolt.example")
    assert store.get("bolt").uuid == row.uuid
    assert store.by_host("bolt.example") == "bolt"


def test_a_flood_of_unknown_names_evicts_nothing_real(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_UNKNOWN", 10)
    store.clear()
    record = store.get("acme")
    store.by_host("acme.example")
    for number in range(50):
        store.by_host(f"unknown-{number}.example")
        with suppress(UnknownTenantError):
            store.get(f"unknown-{number}")
    assert len(store._unknown) == 10
    assert store.get("acme") is record
    assert list(store._hosts) == ["acme.example"]


def test_the_caches_are_bounded_and_the_oldest_goes_first(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="multi_tenant.registry")
    kept: Versioned[str] = Versioned(2)
    for word in ("one", "two"):
        kept.remember(word, word, 1)
    assert kept.recall("one", 1) == "one"
    kept.remember("three", "three", 1)
    assert list(kept) == ["one", "three"]
    assert kept.recall("one", 2) is None
    assert "Evicted two" in caplog.text


@committing
def test_a_poll_does_not_join_a_broken_transaction(acme: Tenant) -> None:
    store.get("acme")
    with transaction.atomic(using=PUBLIC):
        with suppress(DatabaseError), connections[PUBLIC].cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        store.expire()
        assert store.get("acme").state == TenantState.ACTIVE
        transaction.set_rollback(True, using=PUBLIC)


@committing
@pytest.mark.skipif(PUBLIC_ENGINE != "postgres", reason="nobody writes to SQLite while a transaction reads it")
def test_a_poll_is_not_fooled_by_a_snapshot(acme: Tenant) -> None:
    with transaction.atomic(using=PUBLIC):
        with connections[PUBLIC].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert Tenant.objects.filter(state=TenantState.ACTIVE).exists()
        in_thread(lambda: Tenant.objects.update(state=TenantState.SUSPENDED))
        assert Tenant.objects.filter(state=TenantState.ACTIVE).exists()
        assert store.get("acme").state == TenantState.SUSPENDED


@committing
def test_a_change_that_is_not_committed_is_not_cached(acme: Tenant) -> None:
    with transaction.atomic(using=PUBLIC):
        Tenant.objects.update(state=TenantState.SUSPENDED)
        assert store.get("acme").state == TenantState.ACTIVE
        assert in_thread(lambda: store.get("acme").state) == TenantState.ACTIVE
        transaction.set_rollback(True, using=PUBLIC)
    assert store.get("acme").state == TenantState.ACTIVE


@committing
def test_a_change_is_seen_right_after_its_commit(acme: Tenant, configure: Configure) -> None:
    configure(REGISTRY_TTL=600)
    with transaction.atomic(using=PUBLIC):
        Tenant.objects.update(state=TenantState.SUSPENDED)
        assert store.get("acme").state == TenantState.ACTIVE
    assert store.get("acme").state == TenantState.SUSPENDED


@committing
def test_a_transaction_by_hand_is_not_joined(acme: Tenant) -> None:
    transaction.set_autocommit(False, using=PUBLIC)
    try:
        with connections[PUBLIC].cursor() as cursor:
            cursor.execute("UPDATE multi_tenant_tenant SET state = 'suspended'")
        assert store.get("acme").state == TenantState.ACTIVE
    finally:
        transaction.rollback(using=PUBLIC)
        transaction.set_autocommit(True, using=PUBLIC)


@committing
@pytest.mark.skipif(PUBLIC_ENGINE == "sqlite", reason="a file has no server to lose")
def test_a_dead_connection_is_replaced_by_the_poll(acme: Tenant) -> None:
    store.get("acme")
    connections[PUBLIC].connection.close()
    store.expire()
    assert store.get("acme").alias == "acme"


def test_in_a_test_the_registry_of_the_test_is_read(acme: Tenant) -> None:
    with transaction.atomic(using=PUBLIC):
        assert store.get("acme").uuid == acme.uuid


def test_a_change_committed_during_a_poll_is_seen(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    polled = lookup.poll_version

    def slow_poll() -> int:
        version = polled()
        monkeypatch.setattr(lookup, "poll_version", polled)
        Tenant.objects.update(state=TenantState.SUSPENDED)  # by another thread, as it were
        return version

    monkeypatch.setattr(lookup, "poll_version", slow_poll)
    store.get("acme")
    assert store.get("acme").state == TenantState.SUSPENDED


@committing
def test_one_thread_polls_and_the_others_go_on(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    store.get("acme")
    polls: list[int] = []
    begun, finish = threading.Event(), threading.Event()
    polled = lookup.poll_version

    def slow_poll() -> int:
        polls.append(1)
        begun.set()
        assert finish.wait(30)
        return polled()

    monkeypatch.setattr(lookup, "poll_version", slow_poll)
    in_thread(store.expire)
    with ThreadPoolExecutor(1) as executor:
        slow = executor.submit(in_thread, lambda: store.get("acme").alias)
        assert begun.wait(30)
        assert [store.get("acme").alias for _ in range(5)] == ["acme"] * 5
        finish.set()
        assert slow.result() == "acme"
    assert polls == [1]


@committing
def test_a_thread_that_made_a_change_waits_for_it(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread's poll, begun before the change, knows nothing of it."""
    store.get("acme")
    begun, finish = threading.Event(), threading.Event()
    polled = lookup.poll_version

    def slow_poll() -> int:
        version = polled()
        monkeypatch.setattr(lookup, "poll_version", polled)
        begun.set()
        assert finish.wait(30)
        return version

    def suspend() -> str:
        Tenant.objects.update(state=TenantState.SUSPENDED)
        return store.get("acme").state

    monkeypatch.setattr(lookup, "poll_version", slow_poll)
    in_thread(store.expire)
    with ThreadPoolExecutor(2) as executor:
        executor.submit(in_thread, lambda: store.get("acme"))
        assert begun.wait(30)
        suspended = executor.submit(in_thread, public_context()(suspend))
        wait([suspended], timeout=0.5)  # one that did not wait would have its answer by now
        finish.set()
        assert suspended.result() == TenantState.SUSPENDED


def test_a_loop_uses_what_is_cached(acme: Tenant, configure: Configure) -> None:
    configure(REGISTRY_TTL=600)
    store.get("acme")

    async def ask() -> str:
        with tenant_context("acme"):
            return store.get("acme").alias

    assert asyncio.run(ask()) == "acme"


@pytest.mark.parametrize("due", [True, False])
def test_a_loop_is_told_the_cure_for_what_is_not_cached(acme: Tenant, configure: Configure, due: bool) -> None:
    configure(REGISTRY_TTL=600)
    store.version()
    if due:
        store.expire()

    async def ask() -> None:
        with tenant_context("acme"):
            pass

    with pytest.raises(RegistryNotCachedError, match="async with"):
        asyncio.run(ask())


def test_a_loop_knows_who_is_unknown(acme: Tenant, configure: Configure) -> None:
    configure(REGISTRY_TTL=600)
    with pytest.raises(UnknownTenantError):
        store.get("nobody")

    async def ask() -> None:
        store.get("nobody")

    with pytest.raises(UnknownTenantError):
        asyncio.run(ask())


@committing
def test_coroutines_ask_in_a_thread(acme: Tenant) -> None:
    async def ask() -> list[Any]:
        async with tenant_context("acme"):
            pass
        found = [(await store.aget("acme")).alias, await store.aby_host("acme.example")]
        return [*found, await store.aby_host("other.example"), await store.aby_host("other.example")]

    assert in_thread(lambda: asyncio.run(closing(ask()))) == ["acme", "acme", None, None]


async def closing(asked: Any) -> Any:
    try:
        return await asked
    finally:
        await sync_to_async(connections.close_all)()


def test_an_alias_that_a_static_database_took_is_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES, "acme", {})
    with pytest.raises(InvalidAliasError, match="reserved"):
        store.get("acme")


def test_a_store_of_its_own_starts_empty(acme: Tenant) -> None:
    other = Store()
    assert other._version is None
    assert other.get("acme").alias == "acme"
    other.clear()
    assert not other._tenants


def test_the_lock_is_new_in_a_forked_child(acme: Tenant) -> None:
    with store._lock:
        assert in_child(lambda: str(store._lock.acquire(blocking=False))) == "True"
