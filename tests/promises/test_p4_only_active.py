"""P4: only active tenants are served, and every process obeys a change in time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, connections, transaction

from multi_tenant import context
from multi_tenant.context import tenant_bound, tenant_context
from multi_tenant.exceptions import RegistryUnavailableError, TenantUnavailableError, UnknownTenantError
from multi_tenant.models import Tenant
from multi_tenant.registry import store as store_module
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import TenantState
from multi_tenant.registry.store import Store, store
from multi_tenant.routing import handler
from tests import servers
from tests.processes import Watcher
from tests.promises.control import Without, all_of, guarded_by, refused
from tests.settings import PUBLIC as PUBLIC_ENGINE
from tests.testapp.library.models import Author

psycopg = pytest.importorskip("psycopg")
sql = pytest.importorskip("psycopg.sql")

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]
UNSERVED = [state for state in TenantState if state != TenantState.ACTIVE]
TTL = 0.5
#: For a busy machine: a process may be late, but the control waits as long.
PATIENCE = 5


def anyone_is_served() -> AbstractContextManager[None]:
    return all_of(Without(context, "refuse_unserved"), Without(handler, "refuse_unserved"))


def become(tenant: Tenant, state: str) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(state=state)


def entered(tenant: Any) -> None:
    with tenant_context(tenant):
        pass


@guarded_by(anyone_is_served)
@pytest.mark.parametrize("state", UNSERVED)
def test_a_tenant_that_is_not_active_is_not_entered(state: str, acme: Tenant) -> None:
    become(acme, state)
    assert refused(TenantUnavailableError, lambda: entered("acme"))
    assert refused(TenantUnavailableError, lambda: entered(acme))


@pytest.mark.parametrize("state", UNSERVED)
def test_the_error_tells_the_state_and_operators_get_in(state: str, acme: Tenant) -> None:
    become(acme, state)
    with pytest.raises(TenantUnavailableError, match="any_state=True") as caught:
        entered("acme")
    assert (caught.value.alias, caught.value.state) == ("acme", state)
    with tenant_context("acme", any_state=True):
        assert not Author.objects.exists()


@pytest.mark.parametrize("alias", ["nobody", "", "public", "default", "A'; DROP TABLE x", "ä" * 200, "a\x00b"])
def test_an_unknown_alias_is_refused(alias: str) -> None:
    with pytest.raises(UnknownTenantError):
        entered(alias)
    assert connections.settings.keys() == {"default"}


def test_a_row_whose_alias_went_to_another_tenant_is_refused(acme: Tenant) -> None:
    Tenant.objects.filter(pk=acme.pk).update(alias="renamed")
    Tenant.objects.create(alias="acme", state=TenantState.ACTIVE)
    with pytest.raises(UnknownTenantError, match="another tenant"):
        entered(acme)


@guarded_by(anyone_is_served)
def test_a_suspension_is_obeyed_inside_an_open_context(acme: Tenant) -> None:
    with tenant_context(acme):
        Author.objects.exists()
        become(acme, TenantState.SUSPENDED)
        # The test's own transaction is a block, and a block keeps its connection: ask the place itself.
        assert refused(TenantUnavailableError, lambda: context.record_at(context.active_place.get()))


@pytest.mark.django_db(transaction=True)
@guarded_by(anyone_is_served)
def test_a_suspension_closes_the_connection(acme: Tenant) -> None:
    with tenant_context(acme):
        Author.objects.exists()
        kept = connections["acme"]
        become(acme, TenantState.SUSPENDED)
        assert refused(TenantUnavailableError, Author.objects.exists)
        assert kept.connection is None


@pytest.mark.django_db(transaction=True)
def test_a_block_that_is_open_ends_first(acme: Tenant) -> None:
    with tenant_context(acme):
        with transaction.atomic():
            become(acme, TenantState.SUSPENDED)
            Author.objects.create(name="kept")
        with pytest.raises(TenantUnavailableError):
            Author.objects.exists()
    become(acme, TenantState.ACTIVE)
    with tenant_context(acme):
        assert Author.objects.get().name == "kept"


def test_a_bound_function_looks_its_tenant_up_again(acme: Tenant) -> None:
    with tenant_context(acme):
        bound = tenant_bound(Author.objects.exists)
    become(acme, TenantState.SUSPENDED)
    with pytest.raises(TenantUnavailableError):
        bound()


def never_polls() -> AbstractContextManager[Any]:
    """The other process asks for the version once and never again."""
    return patch.dict(os.environ, {"WATCHER_NEVER_POLLS": "1"})


@pytest.mark.django_db(transaction=True)
@guarded_by(never_polls)
@pytest.mark.parametrize("way", ["entering", "inside"])
def test_another_process_obeys_in_time(way: str, acme: Tenant) -> None:
    with Watcher("acme", way, ttl=TTL) as watcher:
        assert watcher.says("served", within=60)
        become(acme, TenantState.SUSPENDED)
        obeyed = watcher.says("TenantUnavailableError suspended", within=PATIENCE)
        assert obeyed
        become(acme, TenantState.ACTIVE)
        assert watcher.says("served", within=PATIENCE)


@pytest.mark.django_db(transaction=True)
@guarded_by(never_polls)
def test_another_process_stops_serving_a_deleted_tenant(acme: Tenant) -> None:
    with tenant_context(acme):
        Author.objects.create(name="before")
    with Watcher("acme", "entering", ttl=TTL) as watcher:
        assert watcher.says("served before", within=60)
        with tenant_context(acme):
            Author.objects.update(name="after")
        assert watcher.says("served after", within=PATIENCE)
        become(acme, TenantState.DELETED)
        assert watcher.says("TenantUnavailableError deleted", within=PATIENCE)


class Clock:
    """The store's clock, which the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, configure: Configure) -> Iterator[Clock]:
    configure(REGISTRY_TTL=5, REGISTRY_STALE_IF_ERROR=60)
    moved = Clock()
    monkeypatch.setattr(store_module, "monotonic", moved)
    store.clear()
    yield moved
    store.clear()


@contextmanager
def public_database_away() -> Iterator[None]:
    """The public database is really gone: its file is renamed, or the server knows it under another name."""
    connections[PUBLIC].close()
    name = str(connections[PUBLIC].settings_dict["NAME"])
    rename(name, f"{name}_away")
    try:
        yield
    finally:
        connections[PUBLIC].close()
        rename(f"{name}_away", name)


def rename(old: str, new: str) -> None:
    if PUBLIC_ENGINE == "sqlite":
        Path(old).replace(new)
        return
    with psycopg.connect(servers.provide("postgres"), dbname="postgres", autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [old])
        server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))


def served(alias: str) -> bool:
    with tenant_context(alias), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return True


def no_stale_answers(self: Store) -> int:
    """As if what is cached were worth nothing once it cannot be compared."""
    self.clear()
    return asked(self)


asked = Store.version


@pytest.mark.django_db(transaction=True)
@guarded_by(Without(Store, "version", no_stale_answers))
def test_while_the_public_database_is_away_cached_tenants_go_on(acme: Tenant, clock: Clock) -> None:
    assert served("acme")
    with public_database_away():
        for _ in range(6):
            clock.now += 10
            with suppress(RegistryUnavailableError):
                assert served("acme")
                continue
            pytest.fail("It was refused.")


@pytest.mark.django_db(transaction=True)
def test_while_the_public_database_is_away_others_are_refused(acme: Tenant, bolt: Tenant, clock: Clock) -> None:
    assert served("acme")
    with public_database_away():
        clock.now += 10
        with pytest.raises(RegistryUnavailableError, match="REGISTRY_STALE_IF_ERROR"):
            served("bolt")
        assert served("acme")
    clock.now += 10
    assert served("bolt")


def any_age_will_do(self: Store) -> int:
    """As if nothing were ever too old."""
    with suppress(RegistryUnavailableError):
        return asked(self)
    assert self._version is not None
    return self._version


@pytest.mark.django_db(transaction=True)
@guarded_by(Without(Store, "version", any_age_will_do))
def test_after_its_time_a_stale_tenant_is_refused(acme: Tenant, clock: Clock) -> None:
    assert served("acme")
    with public_database_away():
        clock.now += 66
        assert refused(RegistryUnavailableError, lambda: served("acme"))
    clock.now += 6
    assert served("acme")


@pytest.mark.django_db(transaction=True)
def test_a_suspension_during_the_outage_is_obeyed_after_it(acme: Tenant, clock: Clock) -> None:
    assert served("acme")
    with public_database_away():
        clock.now += 10
        assert served("acme")
    become(acme, TenantState.SUSPENDED)
    clock.now += 6
    with pytest.raises(TenantUnavailableError):
        served("acme")


@pytest.mark.django_db(transaction=True)
def test_the_outage_is_logged(acme: Tenant, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    assert served("acme")
    with public_database_away():
        clock.now += 10
        assert served("acme")
    assert "cached tenants are served on" in caplog.text
