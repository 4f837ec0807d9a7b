"""Work inside a database that the registry does not serve yet: a template, or a tenant that is being made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from multi_tenant.context import record_context
from multi_tenant.databases.base import Engine
from multi_tenant.lifecycle.fingerprint import lacks_migrations
from multi_tenant.registry.aliases import DEFAULT
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import AbstractTenant, TenantState
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.marker import TABLE, create_marker_table


@contextmanager
def inside(tenant: AbstractTenant) -> Iterator[Any]:
    """Run a block in the database of a tenant that is not served, marked or not; gives its connection."""
    record = TenantRecord(
        alias=tenant.alias,
        uuid=tenant.pk,
        name=tenant.name,
        state=TenantState.PROVISIONING,
        entry=tenant.entry(),
        marked=False,
    )
    with inside_record(record) as connection:
        yield connection


@contextmanager
def inside_record(record: TenantRecord) -> Iterator[Any]:
    """Run a block in a record's database, and leave no connection behind: a template with one cannot be cloned."""
    with record_context(record):
        retire(record.alias)
        try:
            yield connections[DEFAULT]
        finally:
            retire(record.alias)


def retire(alias: str) -> None:
    """Close this thread's connection to a tenant."""
    if isinstance(connections, TenantConnectionHandler):
        connections.retire(alias)


def migrate() -> None:
    """Run Django's ``migrate`` in the active database; the marker's table, made last, says that it is whole."""
    call_command("migrate", verbosity=0, interactive=False)
    create_marker_table(connections[DEFAULT])


def begin_anew(tenant: AbstractTenant, engine: Engine) -> None:
    """Make the database again where a killed attempt left half a schema, on which ``migrate`` would stumble.

    MySQL rolls no DDL back; elsewhere Django records some migrations only after their transaction. The database was
    made here, which the row records, and was never served: all that is in it is what migrations wrote.
    """
    name = str(tenant.entry()["NAME"])
    if engine.exists(name):
        with inside(tenant) as connection:
            if not is_half_made(connection):
                return
        engine.drop(name)
    engine.create(name)


def is_half_made(connection: BaseDatabaseWrapper) -> bool:
    """Whether something is in the database, and not all."""
    tables = connection.introspection.table_names()
    return bool(tables) and (TABLE not in tables or lacks_migrations(connection))
