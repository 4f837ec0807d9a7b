from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.backends.signals import connection_created
from django.db.migrations.recorder import MigrationRecorder

from multi_tenant import ProvisioningError, TenantUnavailableError, public_context, tenant_context
from multi_tenant.fleet.migrate import Migration, MigrationResult, behind, migrate_each
from multi_tenant.fleet.selection import WHOLE, in_states, named
from multi_tenant.lifecycle import delete, fingerprint, resume, suspend
from multi_tenant.lifecycle.placement import public_engine
from multi_tenant.registry.models import Tenant
from tests.fleets import break_migrations, on_each_engine, put_behind


def migrate_all() -> dict[str, MigrationResult]:
    return {result.alias: result for result in migrate_each(in_states(WHOLE))}


def has_library(alias: str) -> bool:
    with tenant_context(alias, any_state=True):
        return "library_book" in connection.introspection.table_names()


@contextmanager
def connected_to() -> Iterator[list[str]]:
    """The aliases of connections that are opened."""
    aliases: list[str] = []

    def note(*, connection: Any, **kwargs: Any) -> None:
        aliases.append(connection.alias)

    connection_created.connect(note)
    try:
        yield aliases
    finally:
        connection_created.disconnect(note)


@on_each_engine
def test_a_tenant_that_lacks_migrations_gets_them_and_its_fingerprint(acme: Any, bolt: Any) -> None:
    put_behind("acme")
    assert not has_library("acme")
    results = migrate_all()
    assert (results["acme"].migration, results["acme"].applied) == (Migration.MIGRATED, ("library.0001_initial",))
    assert results["bolt"].migration is Migration.CURRENT
    assert has_library("acme")
    assert set(Tenant.objects.values_list("fingerprint", flat=True)) == {fingerprint()}


def test_one_that_lacks_nothing_is_not_even_connected_to(acme: Any, bolt: Any) -> None:
    put_behind("bolt")
    connections.close_all()
    with connected_to() as aliases:
        migrate_all()
    assert "bolt" in aliases
    assert "acme" not in aliases


def test_a_suspended_tenant_is_migrated_and_can_be_resumed(acme: Any) -> None:
    put_behind("acme")
    suspend("acme")
    with pytest.raises(ProvisioningError, match="lacks migrations"):
        resume("acme")
    assert migrate_all()["acme"].migration is Migration.MIGRATED
    assert Tenant.objects.get().state == "suspended"
    assert resume("acme").state == "active"


def test_a_failure_is_kept_from_the_others_and_leaves_the_tenant_behind(acme: Any, bolt: Any) -> None:
    break_migrations("acme")
    put_behind("bolt")
    results = migrate_all()
    assert results["acme"].migration is Migration.FAILED
    assert "already exists" in results["acme"].reason
    assert results["bolt"].migration is Migration.MIGRATED
    assert [tenant.alias for tenant in behind(in_states(WHOLE))] == ["acme"]
    with tenant_context("acme"):
        MigrationRecorder(connection).record_applied("library", "0001_initial")
    assert migrate_all()["acme"].migration is Migration.MIGRATED


def test_a_fingerprint_that_is_out_of_date_is_put_right_although_nothing_is_applied(acme: Any) -> None:
    Tenant.objects.update(fingerprint="")
    result = migrate_all()["acme"]
    assert (result.migration, result.applied) == (Migration.MIGRATED, ())
    assert Tenant.objects.get().fingerprint == fingerprint()


def test_a_tenant_without_a_whole_database_fails(acme: Any) -> None:
    delete("acme", force=True, archive=False)
    [result] = migrate_each(named(["acme"]))
    assert result.migration is Migration.FAILED
    assert isinstance(result.error, TenantUnavailableError)
    assert "is deleted, and only active and suspended tenants are migrated" in result.reason


def test_a_tenant_that_was_deleted_since_the_run_began_fails(acme: Any) -> None:
    put_behind("acme")
    run = migrate_each(in_states(WHOLE))
    delete("acme", force=True, archive=False)
    assert next(run).migration is Migration.FAILED


def test_inside_a_transaction_it_is_refused(acme: Any) -> None:
    put_behind("acme")
    with transaction.atomic(using="public"):
        result = migrate_all()["acme"]
    assert "Call this outside atomic" in result.reason
    assert not has_library("acme")


def test_two_runs_at_once_migrate_each_tenant_once(acme: Any, bolt: Any) -> None:
    put_behind("acme")
    put_behind("bolt")
    tenants = in_states(WHOLE)
    start = threading.Barrier(2)

    def run() -> list[Migration]:
        with public_context():
            start.wait()
            results = [result.migration for result in migrate_each(tenants)]
            connections.close_all()
        return results

    with ThreadPoolExecutor(2) as pool:
        one, other = [future.result() for future in [pool.submit(run), pool.submit(run)]]
    assert [set(pair) for pair in zip(one, other, strict=True)] == [{Migration.MIGRATED, Migration.CURRENT}] * 2


def test_it_waits_for_whoever_works_on_the_tenant(acme: Any) -> None:
    put_behind("acme")
    tenants = in_states(WHOLE)

    def run() -> list[MigrationResult]:
        with public_context():
            results = list(migrate_each(tenants))
            connections.close_all()
        return results

    with ThreadPoolExecutor(1) as pool:
        with public_engine("acme").lock("multi_tenant:acme"):
            future = pool.submit(run)
            with pytest.raises(TimeoutError):
                future.result(timeout=1)
            Tenant.objects.update(fingerprint=fingerprint())  # as another process does that has migrated it
        [result] = future.result()
    assert result.migration is Migration.CURRENT
    assert not has_library("acme")


def test_the_place_is_left_as_it_was(acme: Any, bolt: Any) -> None:
    put_behind("acme")
    with tenant_context("bolt"):
        [result] = migrate_each(named(["acme"]))
        assert result.migration is Migration.MIGRATED
        assert connections["default"].alias == "bolt"
