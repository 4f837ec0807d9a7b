"""The end of a tenant: archived, its database dropped, its row kept until it is purged."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from multi_tenant.context import public_context
from multi_tenant.exceptions import (
    MultiTenantError,
    ProvisioningError,
    TenantConnectionError,
    WrongDatabaseError,
)
from multi_tenant.lifecycle.archive import archive_database
from multi_tenant.lifecycle.building import inside
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.logins import drop_logins
from multi_tenant.lifecycle.marks import mark_of
from multi_tenant.lifecycle.placement import database_engine, engine_for
from multi_tenant.lifecycle.provision import described
from multi_tenant.lifecycle.reservation import RESERVED
from multi_tenant.lifecycle.state import find, require
from multi_tenant.lifecycle.steps import is_untouched, record
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import AbstractTenant, Domain, Placement, TenantState
from multi_tenant.routing.marker import remove_marker
from multi_tenant.routing.owner import retire
from multi_tenant.signals import tenant_deleted

logger = logging.getLogger("multi_tenant.lifecycle")
DELETE = "delete"
ARCHIVED = "archive"
PURGE = "purge"
#: Steps of a tenant whose database bears no mark yet.
UNMARKED = frozenset({RESERVED, "database", "login", "schema"})


def delete(alias: str, *, force: bool = False, archive: bool = True) -> AbstractTenant:
    """Delete a tenant: archive its database, drop it, forget its domains. The row stays, and refuses its alias.

    An active tenant must be suspended first, or ``force`` given; writes that other processes make within REGISTRY_TTL
    of a forced deletion may miss the archive. An adopted database is left, without its mark; so is, forced and without
    an archive, one whose server is gone. A deletion that was killed goes on where it was; a deleted tenant is left as
    it is. Raises UnknownTenantError, ProvisioningError, WrongDatabaseError and TenantConnectionError.
    """
    with turn_of(alias, step=DELETE):
        tenant = find(alias)
        if tenant.state == TenantState.DELETED:
            return tenant
        refuse_active(tenant, force=force)
        if archive or not force or not is_out_of_reach(tenant):
            begin(tenant, archive=archive)
            drop_database(tenant)
        forget(tenant)
    with public_context():
        tenant_deleted.send(sender=type(tenant), tenant=tenant)
    return tenant


def purge(alias: str) -> AbstractTenant:
    """Remove the row of a deleted tenant, so that its alias is free again. Its archives are left.

    Raises UnknownTenantError and ProvisioningError.
    """
    with turn_of(alias, step=PURGE):
        tenant = find(alias)
        require(tenant, TenantState.DELETED, step=PURGE)
        uuid = tenant.pk
        tenant.delete(using=PUBLIC)
        tenant.pk = uuid  # what the caller has in hand still says who it was
    return tenant


def refuse_active(tenant: AbstractTenant, *, force: bool) -> None:
    """Raise ProvisioningError for a tenant that is being served, unless it is forced."""
    if tenant.state == TenantState.ACTIVE and not force:
        raise ProvisioningError(
            f"Tenant {tenant.alias!r} is active. Suspend it first, or force the deletion.", step=DELETE
        )


def begin(tenant: AbstractTenant, *, archive: bool) -> None:
    """Take the tenant out of service and archive it; if that cannot be done the tenant is as it was."""
    if tenant.step == ARCHIVED or is_blank(tenant) or not has_database(tenant):
        record(tenant, step=tenant.step, state=TenantState.DELETING)
        return
    check_own(tenant)
    if archive:
        database_engine(tenant).check_dump()
    before = tenant.state
    record(tenant, step=tenant.step, state=TenantState.DELETING)
    retire(tenant.alias)
    if not archive:
        return
    try:
        archive_database(tenant)
    except MultiTenantError as exc:
        record(tenant, step=tenant.step, state=before, error=described(exc))
        raise
    record(tenant, step=ARCHIVED)


def is_blank(tenant: AbstractTenant) -> bool:
    """Whether there is nothing of anybody's in the database: under a name that is ours alone, it was being made."""
    return tenant.step == RESERVED and tenant.placement != Placement.OWN


def has_database(tenant: AbstractTenant) -> bool:
    """Whether there is a database still; an adopted one is there as long as the tenant is."""
    if tenant.database is None:
        return False
    return tenant.adopted or engine_for(tenant).exists(str(tenant.entry()["NAME"]))


def is_out_of_reach(tenant: AbstractTenant) -> bool:
    """Whether the database's server does not answer, or refuses the login."""
    try:
        if has_database(tenant):
            with inside(tenant) as connection:
                connection.ensure_connection()
    except TenantConnectionError as exc:
        logger.warning("The database of %s is left where it is: %s.", tenant.alias, exc.reason)
        return True
    return False


def check_own(tenant: AbstractTenant) -> None:
    """Raise WrongDatabaseError unless the database is marked as this tenant's.

    A half-made one is not marked yet; an adopted one, which is not dropped, may have lost its mark already.
    """
    if tenant.step == RESERVED and not is_untouched(tenant):
        raise WrongDatabaseError(tenant.alias, found=None)
    with inside(tenant) as connection:
        found = mark_of(connection)
    may_be_unmarked = tenant.adopted or tenant.step in UNMARKED
    if found != tenant.pk and not (found is None and may_be_unmarked):
        raise WrongDatabaseError(tenant.alias, found=str(found) if found else None)


def drop_database(tenant: AbstractTenant) -> None:
    """Drop the tenant's logins and its database; an adopted one loses its mark alone."""
    retire(tenant.alias)
    if tenant.database is None:
        return
    engine = engine_for(tenant)
    with engine.held():
        # First, as only who may end a login's sessions may drop the database that it is in.
        drop_logins(engine, tenant)
        if not tenant.adopted:
            engine.drop(str(tenant.owner_entry()["NAME"]))
            return
    with inside(tenant) as connection:
        remove_marker(connection)


def forget(tenant: AbstractTenant) -> None:
    """Keep of the tenant that it was: its alias, uuid and name."""
    with transaction.atomic(using=PUBLIC):
        Domain.objects.using(PUBLIC).filter(tenant_id=tenant.pk).delete()
        tenant.database = None
        tenant.state, tenant.step, tenant.error, tenant.fingerprint = TenantState.DELETED, "", "", ""
        tenant.deleted_at = timezone.now()
        tenant.save(using=PUBLIC)
