"""Taking over a database that is there already: checked first, then migrated and marked like a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from multi_tenant.exceptions import InvalidEntryError, ProvisioningError
from multi_tenant.lifecycle.building import inside
from multi_tenant.lifecycle.fingerprint import unknown_migrations
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.marks import refuse_marked
from multi_tenant.lifecycle.placement import engine_for, hidden, place_existing, tenant_model
from multi_tenant.lifecycle.provision import announce, carry_out
from multi_tenant.lifecycle.reservation import (
    hosts_of,
    is_reserved,
    refuse_moved,
    refuse_shared_location,
    tenant_to_make,
)
from multi_tenant.lifecycle.steps import Attempt
from multi_tenant.registry.aliases import validate_alias
from multi_tenant.registry.models import AbstractTenant, DatabaseServer

ADOPT = "adopt"
#: An adopted tenant's database is made already, so its row begins with that step done.
FOUND = "database"


def adopt(
    alias: str,
    *,
    entry: Mapping[str, Any] | None = None,
    server: DatabaseServer | str | None = None,
    name: str = "",
    domains: Iterable[str] = (),
) -> AbstractTenant:
    """Make a tenant of an existing database: migrate it, mark it, serve it. A killed adoption is taken up again.

    ``entry`` says where it is: on the tenant's own server, or, with NAME alone, on ``server`` or beside the public one.
    If it fails there is no tenant, but migrations that ran stay. Raises what ``create_tenant`` raises, and
    WrongTenantError for a database marked as another tenant's.
    """
    validate_alias(alias)
    entry = hidden(entry)
    with turn_of(alias, step=ADOPT) as public:
        tenant = tenant_to_make(alias)
        hosts = hosts_of(domains, tenant)
        tenant.name = name or tenant.name
        resumed = is_reserved(tenant)
        settle_existing(tenant, server=server, entry=entry)
        check_database(tenant)
        attempt = Attempt(tenant, engine_for(tenant, at_hand=public), resumed=resumed, reserved=FOUND)
        with attempt.engine.held():
            carry_out(attempt, hosts)
    announce(tenant)
    return tenant


def settle_existing(
    tenant: AbstractTenant, *, server: DatabaseServer | str | None, entry: Mapping[str, Any] | None
) -> None:
    """Place the tenant where the database is; one that ``create_tenant`` left half-made is not for adoption."""
    if is_reserved(tenant) and not tenant.adopted:
        raise ProvisioningError(
            f"The database of {tenant.alias!r} is half-made. Finish it with create_tenant, or delete the tenant.",
            step=ADOPT,
        )
    if entry is None and not is_reserved(tenant):
        raise InvalidEntryError("No entry is given. Name the database that is to be adopted.")
    begun = tenant.location if is_reserved(tenant) else None
    if entry is not None:
        place_existing(tenant, server=server, entry=entry)
    tenant.adopted = True
    refuse_moved(tenant, begun=begun)
    refuse_shared_location(tenant)


def check_database(tenant: AbstractTenant) -> None:
    """Raise WrongTenantError or ProvisioningError unless the database may become this tenant's."""
    with inside(tenant) as connection:
        if tenant_model()._meta.db_table in connection.introspection.table_names():
            raise ProvisioningError(
                f"The database for {tenant.alias!r} holds a registry of tenants. Name the tenant's own database.",
                step=ADOPT,
            )
        refuse_marked(tenant, connection)
        unknown = unknown_migrations(connection)
        if unknown:
            shown = ", ".join(".".join(key) for key in unknown[:5])
            raise ProvisioningError(
                f"The database for {tenant.alias!r} has {len(unknown)} migrations that this code does not know "
                f"({shown}). Run the code that it was migrated with, or remove their rows from django_migrations.",
                step=ADOPT,
            )
