"""Another login, or another host, for a tenant on a server of its own: tried before it is stored."""

from __future__ import annotations

from multi_tenant.exceptions import ProvisioningError, WrongDatabaseError
from multi_tenant.lifecycle.building import inside
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.marks import mark_of
from multi_tenant.lifecycle.placement import place_own
from multi_tenant.lifecycle.reservation import refuse_shared_location
from multi_tenant.lifecycle.state import find
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.models import AbstractTenant, Placement

STEP = "entry"


def replace_entry(alias: str, entry: Entry) -> AbstractTenant:
    """Store another entry for a tenant's database, once the marker that is found by it says that it is the tenant's.

    Raises UnknownTenantError, ProvisioningError, InvalidEntryError, WrongDatabaseError and TenantConnectionError.
    """
    with turn_of(alias, step=STEP):
        tenant = find(alias)
        if tenant.placement != Placement.OWN or tenant.database is None:
            raise ProvisioningError(
                f"Tenant {alias!r} is not on a server of its own. Its logins are changed with rotate_tenant_logins.",
                step=STEP,
            )
        place_own(tenant, entry)
        refuse_shared_location(tenant)
        check_marked(tenant)
        tenant.save(using=PUBLIC)
    return tenant


def check_marked(tenant: AbstractTenant) -> None:
    """Raise WrongDatabaseError unless the database bears the tenant's mark: no other would be served."""
    with inside(tenant) as connection:
        found = mark_of(connection)
    if found != tenant.pk:
        raise WrongDatabaseError(tenant.alias, found=None if found is None else str(found))
