"""Taking a tenant out of service and back."""

from __future__ import annotations

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import ProvisioningError, UnknownTenantError
from multi_tenant.lifecycle.fingerprint import is_behind
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.placement import tenant_model
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import AbstractTenant, TenantState
from multi_tenant.signals import tenant_resumed, tenant_suspended

SUSPEND = "suspend"
RESUME = "resume"


def suspend(alias: str) -> AbstractTenant:
    """Stop serving an active tenant, in every process within REGISTRY_TTL; a suspended one is left as it is.

    Raises UnknownTenantError and ProvisioningError.
    """
    with turn_of(alias, step=SUSPEND):
        tenant = find(alias)
        if tenant.state == TenantState.SUSPENDED:
            return tenant
        require(tenant, TenantState.ACTIVE, step=SUSPEND)
        move(tenant, TenantState.SUSPENDED)
    with public_context():
        tenant_suspended.send(sender=type(tenant), tenant=tenant)
    return tenant


def resume(alias: str) -> AbstractTenant:
    """Serve a suspended tenant again; an active one is left as it is.

    Raises UnknownTenantError, and ProvisioningError for a tenant whose database lacks migrations.
    """
    with turn_of(alias, step=RESUME):
        tenant = find(alias)
        if tenant.state == TenantState.ACTIVE:
            return tenant
        require(tenant, TenantState.SUSPENDED, step=RESUME)
        if is_behind(tenant):
            raise ProvisioningError(
                f"The database of tenant {alias!r} lacks migrations of the code that runs now. Run `manage.py "
                "migrate_tenants` first.",
                step=RESUME,
            )
        move(tenant, TenantState.ACTIVE)
    with tenant_context(tenant, switch=True):
        tenant_resumed.send(sender=type(tenant), tenant=tenant)
    return tenant


def find(alias: str) -> AbstractTenant:
    """The row of an alias. Raises UnknownTenantError."""
    tenant: AbstractTenant | None = tenant_model()._base_manager.using(PUBLIC).filter(alias=alias).first()
    if tenant is None:
        raise UnknownTenantError(alias)
    return tenant


def require(tenant: AbstractTenant, *states: str, step: str) -> None:
    """Raise ProvisioningError unless the tenant is in one of the states."""
    if tenant.state not in states:
        raise ProvisioningError(
            f"Tenant {tenant.alias!r} is {tenant.state}, so it cannot {step}. It must be {' or '.join(states)}.",
            step=step,
        )


def move(tenant: AbstractTenant, state: str) -> None:
    """Give the tenant another state, at once."""
    tenant.state = state
    tenant.save(using=PUBLIC, update_fields=["state", "updated_at"])
