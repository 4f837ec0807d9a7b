"""A tenant's database by the login that owns it, for what changes its schema; entered by commands and the fleet."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from multi_tenant.conf import conf
from multi_tenant.context import Place, active_place, public_context, record_at, record_context, refuse_unserved
from multi_tenant.exceptions import UnknownTenantError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.registry.entry import complete_on_public_server
from multi_tenant.registry.lookup import TenantRecord, registered
from multi_tenant.routing.handler import TenantConnectionHandler

#: The commands of Django's that change schemas, or begin sequences anew, which only their owner may.
OWNERS_COMMANDS = frozenset({"flush", "migrate"})


@contextmanager
def owner_context(tenant: Any, *, any_state: bool = False) -> Iterator[Any]:
    """Run a block in a tenant, given by alias, row or record, as the owner of its database; gives its connection.

    Inside that tenant or on the public site alike. A connection that is in use is not exchanged. Raises
    UnknownTenantError, TenantUnavailableError, and what the tenant's ``owner_entry`` raises.
    """
    record = owner_record(tenant)
    refuse_unserved(record, uuid=None if isinstance(tenant, str) else tenant.uuid, any_state=any_state)
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


def owner_record(tenant: Any) -> TenantRecord:
    """A tenant as it is in the registry now, with the entry of its database's owner."""
    alias = tenant if isinstance(tenant, str) else tenant.alias
    with public_context():
        rows = registered(conf.TENANT_MODEL)._base_manager.using(PUBLIC)
        row = rows.filter(alias=alias).select_related("server").first()
        if row is None:
            raise UnknownTenantError(alias)
        entry = None if row.database is None else row.owner_entry()
    return TenantRecord(alias=row.alias, uuid=row.pk, name=row.name, state=row.state, entry=entry)


def run_as_owner(original: Any) -> Any:
    """A login of a tenant's own may work with rows alone; ``migrate`` in a tenant is to work all the same."""

    @functools.wraps(original)
    def execute(self: BaseCommand, *args: Any, **options: Any) -> Any:
        place = active_place.get()
        name = type(self).__module__.rpartition(".")[2]
        if name not in OWNERS_COMMANDS or not place.is_tenant or place.record is not None or is_owner(place):
            return original(self, *args, **options)
        with owner_context(str(place.alias), any_state=place.any_state):
            return original(self, *args, **options)

    return execute


def is_owner(place: Place) -> bool:
    """Whether the tenant of a place is served with the login of the public database's server, which owns what it made.

    Then nothing is exchanged and the registry is not asked: tests that flush a tenant leave the public database alone.
    """
    entry = record_at(place).entry
    return entry is not None and entry == complete_on_public_server({"NAME": entry["NAME"]})


def retire(alias: str) -> None:
    """Close this thread's connection to a tenant, unless it is in use."""
    if isinstance(connections, TenantConnectionHandler):
        connections.retire(alias)
