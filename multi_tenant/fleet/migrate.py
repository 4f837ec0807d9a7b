"""The migration of the fleet: each tenant that lacks migrations gets them; called by `migrate_tenants`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from multi_tenant.exceptions import TenantUnavailableError
from multi_tenant.fleet.run import attempt
from multi_tenant.fleet.selection import WHOLE, FleetTenant, named
from multi_tenant.lifecycle.fingerprint import fingerprint
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.registry.aliases import DEFAULT
from multi_tenant.routing.owner import owner_context


class Migration(Enum):
    """What became of a tenant in a run."""

    MIGRATED = "migrated"
    CURRENT = "current"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """How one tenant went: the migrations ``applied`` to it, as ``app.name``, or the ``error`` that stopped it."""

    alias: str
    migration: Migration
    applied: tuple[str, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    error: BaseException | None = None


def migrate_each(tenants: Iterable[FleetTenant]) -> Iterator[MigrationResult]:
    """Migrate the tenants one by one, and answer how each went before the next begins.

    One whose fingerprint says that nothing is missing is not even connected to. Suspended ones are migrated like
    active ones, so that they can come back. A failure is in the result and keeps nothing from the others.
    """
    wanted = fingerprint()
    for tenant in tenants:
        if is_current(tenant, wanted):
            yield MigrationResult(tenant.alias, Migration.CURRENT)
        else:
            yield result_of(tenant, wanted)


def behind(tenants: Iterable[FleetTenant]) -> list[FleetTenant]:
    """Those of the tenants that ``migrate_each`` would work on."""
    wanted = fingerprint()
    return [tenant for tenant in tenants if not is_current(tenant, wanted)]


def is_current(tenant: FleetTenant, wanted: str) -> bool:
    """Whether the registry says that a tenant's database has all migrations."""
    return tenant.state in WHOLE and tenant.fingerprint == wanted


def result_of(tenant: FleetTenant, wanted: str) -> MigrationResult:
    """Migrate one tenant, whatever comes of it."""
    outcome = attempt(tenant.alias, partial(migrate, tenant, wanted))
    if outcome.error is not None:
        return MigrationResult(tenant.alias, Migration.FAILED, (), outcome.seconds, outcome.reason, outcome.error)
    applied = outcome.value
    migration = Migration.CURRENT if applied is None else Migration.MIGRATED
    return MigrationResult(tenant.alias, migration, applied or (), outcome.seconds)


def migrate(tenant: FleetTenant, wanted: str) -> tuple[str, ...] | None:
    """Run ``migrate`` inside a tenant, with no other process at work on it; answer the migrations applied.

    None where another process did it while this one waited. Raises TenantUnavailableError where there is no whole
    database, and whatever a migration raises.
    """
    with turn_of(tenant.alias, step="migrate"):
        [now] = named([tenant.alias])
        if is_current(now, wanted):
            return None
        if now.state not in WHOLE:
            raise TenantUnavailableError(
                now.alias,
                now.state,
                f"Tenant {now.alias!r} is {now.state}, and only active and suspended tenants are migrated. Finish what "
                "was begun with it first.",
            )
        with owner_context(tenant, any_state=True):
            return apply_migrations()


def apply_migrations() -> tuple[str, ...]:
    """Run Django's ``migrate`` in the active tenant; a receiver of its signal notes the fingerprint."""
    connection: Any = connections[DEFAULT]
    before = set(MigrationRecorder(connection).applied_migrations())
    call_command("migrate", verbosity=0, interactive=False)
    after = set(MigrationRecorder(connection).applied_migrations())
    return tuple(f"{app}.{name}" for app, name in sorted(after - before))
