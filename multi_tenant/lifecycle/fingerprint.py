"""Which migrations a tenant's database should have and has; compared by resume, templates and the fleet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from multi_tenant.conf import conf
from multi_tenant.context import active_place
from multi_tenant.lifecycle.disk import Key, disk
from multi_tenant.lifecycle.placement import tenant_model
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import digest
from multi_tenant.registry.models import AbstractTenant
from multi_tenant.routing.homes import Home, home_of


def fingerprint() -> str:
    """The fingerprint of a tenant's database that has every migration of the code that runs now."""
    return digest_of(in_tenants(disk.texts()))


def fingerprint_of(connection: BaseDatabaseWrapper) -> str:
    """The fingerprint of a database: ``fingerprint()`` when nothing is missing, else one of what it has."""
    return fingerprint_by(MigrationLoader(connection))


def fingerprint_by(loader: MigrationLoader) -> str:
    """The fingerprint of the database that a loader has read."""
    # With nothing missing, replaced migrations are left out of the graph, as in one that knows no database.
    return digest_of(in_tenants(loader.applied_migrations) if missing_in(loader) else wanted_by(loader))


def lacks_migrations(connection: BaseDatabaseWrapper) -> bool:
    """Whether a database lacks migrations of the code that runs now."""
    return bool(missing_in(MigrationLoader(connection)))


def is_behind(tenant: AbstractTenant) -> bool:
    """Whether a tenant's database lacks migrations, as far as the registry knows."""
    return tenant.fingerprint != fingerprint()


def unknown_migrations(connection: BaseDatabaseWrapper) -> list[Key]:
    """What a database records as applied and the code that runs now does not know."""
    loader = MigrationLoader(connection)
    return sorted(set(loader.applied_migrations) - set(loader.disk_migrations))


def update_on_migrate(*, using: str, **kwargs: Any) -> None:
    """Receive ``post_migrate``: note in the registry what a ``migrate`` run by hand inside a tenant changed.

    ``flush`` sends the signal too, but without a plan. A database that is being made is not a tenant's yet.
    """
    place = active_place.get()
    being_made = place.record is not None and not place.record.marked
    if "plan" not in kwargs or not place.is_tenant or being_made or using != place.alias:
        return
    found = fingerprint_of(connections[using])
    row = tenant_model()._base_manager.using(PUBLIC).filter(pk=place.uuid)
    if row.exclude(fingerprint=found).exists():
        row.update(fingerprint=found)


def wanted_by(loader: MigrationLoader) -> set[Key]:
    """The migrations on disk that belong into tenants."""
    return in_tenants(loader.graph.nodes)


def missing_in(loader: MigrationLoader) -> set[Key]:
    """The wanted migrations that the loader's database has not applied."""
    return wanted_by(loader) - set(loader.applied_migrations)


def in_tenants(keys: Iterable[Key]) -> set[Key]:
    """Those of these migrations whose app has tables in tenants."""
    return {key for key in keys if home_of(key[0]) in (Home.TENANT, Home.BOTH)}


def digest_of(keys: set[Key]) -> str:
    """A digest of migrations, and of the setting that says which are wanted."""
    return digest([sorted(conf.tenant_labels), sorted(keys)])
