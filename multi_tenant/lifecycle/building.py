"""Work inside a database that the registry does not serve yet: a template, or a tenant that is being made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from multi_tenant.databases.base import Engine
from multi_tenant.lifecycle.fingerprint import lacks_migrations
from multi_tenant.lifecycle.logins import login_of, make_login
from multi_tenant.registry.aliases import DEFAULT
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import AbstractTenant, TenantState
from multi_tenant.routing.marker import TABLE, create_marker_table
from multi_tenant.routing.owner import inside_record


@contextmanager
def inside(tenant: AbstractTenant) -> Iterator[Any]:
    """Run a block in a tenant's database, marked or not, with the login that owns it; gives its connection."""
    record = TenantRecord(
        alias=tenant.alias,
        uuid=tenant.pk,
        name=tenant.name,
        state=TenantState.PROVISIONING,
        entry=tenant.owner_entry(),
        marked=False,
    )
    with inside_record(record) as connection:
        yield connection


def migrate(*, open_rows: Callable[[], None] | None = None) -> None:
    """Run Django's ``migrate`` in the active database; the marker's table, made last, says that it is whole.

    ``open_rows`` gives tenants' logins their rights, where there are such.
    """
    call_command("migrate", verbosity=0, interactive=False)
    if open_rows is not None:
        open_rows()
    create_marker_table(connections[DEFAULT])


def begin_anew(tenant: AbstractTenant, engine: Engine) -> None:
    """Make the database again where a killed attempt left half a schema, on which ``migrate`` would stumble.

    MySQL rolls no DDL back; elsewhere Django records some migrations only after their transaction. The database was
    made here, which the row records, and was never served: all that is in it is what migrations wrote.
    """
    name = str(tenant.entry()["NAME"])
    if engine.exists(name):
        make_login(engine, tenant)  # it may have been made, and nobody let in
        with inside(tenant) as connection:
            if not is_half_made(connection):
                return
        engine.drop(name)
    engine.create(name, private=bool(login_of(tenant)))
    make_login(engine, tenant)


def is_half_made(connection: BaseDatabaseWrapper) -> bool:
    """Whether something is in the database, and not all."""
    tables = connection.introspection.table_names()
    return bool(tables) and (TABLE not in tables or lacks_migrations(connection))
