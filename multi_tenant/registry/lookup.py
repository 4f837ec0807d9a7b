"""Reads of the registry that no transaction of the caller's can break, join or fool; made by the store alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.apps import apps
from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from multi_tenant.conf import conf
from multi_tenant.registry.aliases import PATTERN, PUBLIC, validate_alias
from multi_tenant.registry.entry import Entry, digest
from multi_tenant.registry.loss import is_lost

R = TypeVar("R")
VERSION_TABLE = "multi_tenant_version"


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """What a process knows of a tenant; it never changes, a later read makes another.

    ``entry`` is None while the tenant has no database. ``marked`` is False for a database that is still being made and
    carries no marker yet.
    """

    alias: str
    uuid: uuid.UUID | None
    name: str
    state: str
    entry: Entry | None = field(repr=False)
    marked: bool = True
    generation: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        generation = digest([str(self.uuid), self.marked, self.entry and self.entry.generation])
        object.__setattr__(self, "generation", generation)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickled record goes without its entry: caches and queues are no place for a password."""
        return type(self), (self.alias, self.uuid, self.name, self.state, None, self.marked)


def poll_version() -> int:
    """The registry's version number."""
    return reading(select_version)


def find_tenant(alias: str) -> TenantRecord | None:
    """The tenant of that alias; a text that no tenant can bear is not asked for, as servers refuse some of them."""
    if not PATTERN.fullmatch(alias):
        return None
    tenant = reading(lambda connection: read_tenant(alias, connection))
    return None if tenant is None else record_of(tenant)


def find_host(host: str) -> str | None:
    """The alias of the tenant that a normalised host leads to."""
    domains = registered("multi_tenant.Domain")._base_manager.using(PUBLIC)
    rows = reading(partial(read_rows, domains.filter(host=host).values_list("tenant__alias")))
    return rows[0][0] if rows else None


def record_of(tenant: Any) -> TenantRecord:
    """The record of a row. Raises what AbstractTenant.entry raises, and InvalidAliasError.

    An alias that DATABASES has taken since would lead to that database.
    """
    validate_alias(tenant.alias)
    entry = None if tenant.database is None else tenant.entry()
    return TenantRecord(alias=tenant.alias, uuid=tenant.pk, name=tenant.name, state=tenant.state, entry=entry)


def reading(read: Callable[[BaseDatabaseWrapper], R]) -> R:
    """What ``read`` answers for the registry's connection; once more if that was kept and has died since.

    A connection that is kept dies with its server, and Django would close it only at the request's end. Any other
    failure, as of an attempt to connect, would only take as long again.
    """
    with registry_connection() as connection:
        try:
            return read(connection)
        except (DatabaseError, InterfaceError):
            if connection.in_atomic_block or not is_lost(connection):
                raise
            connection.close()
            return read(connection)


@contextmanager
def registry_connection() -> Iterator[BaseDatabaseWrapper]:
    """The public connection, or a second one while the caller has a transaction open on it.

    A broken transaction would refuse the read, a snapshot would hide changes, and uncommitted rows would be cached.
    The transaction that a TestCase holds, and a database in memory, are read through themselves: nothing else can
    see them.
    """
    connection = connections[PUBLIC]
    if not in_transaction_of_caller(connection):
        yield connection
        return
    with closing(connection.copy()) as second:
        yield second


def in_transaction_of_caller(connection: BaseDatabaseWrapper) -> bool:
    """Whether reading through this connection would take part in a transaction that somebody opened."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's own
        return False
    if connection.in_atomic_block:
        of_testcase = any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks[:1])
        return connection.needs_rollback or not of_testcase
    return connection.connection is not None and not connection.autocommit


def select_version(connection: BaseDatabaseWrapper) -> int:
    """The version as the connection sees it; 0 before the first change."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT version FROM {VERSION_TABLE} WHERE id = 1")  # noqa: S608  # a constant
        row = cursor.fetchone()
    return row[0] if row else 0


def read_tenant(alias: str, connection: BaseDatabaseWrapper) -> Any:
    """The row of that alias with its server's, None where there is none."""
    model = registered(conf.TENANT_MODEL)
    tenants = read_instances(model._base_manager.using(PUBLIC).filter(alias=alias), connection)
    if not tenants:
        return None
    [tenant] = tenants
    if tenant.server_id is not None:
        servers = registered("multi_tenant.DatabaseServer")._base_manager.using(PUBLIC)
        [tenant.server] = read_instances(servers.filter(pk=tenant.server_id), connection)
    return tenant


def registered(name: str) -> Any:
    """A model of the registry's, installed or not: tests with ``available_apps`` are in a tenant and hide this app."""
    return apps.get_registered_model(*name.split("."))


def read_rows(queryset: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> list[Any]:
    """The queryset's rows, read through a connection that ``connections`` need not know."""
    return list(queryset.query.get_compiler(connection=connection).results_iter())


def read_instances(queryset: QuerySet[Any], connection: BaseDatabaseWrapper) -> list[Any]:
    """The queryset's objects, read like ``read_rows``."""
    names = [field.attname for field in queryset.model._meta.concrete_fields]
    return [queryset.model.from_db(PUBLIC, names, row) for row in read_rows(queryset, connection)]
