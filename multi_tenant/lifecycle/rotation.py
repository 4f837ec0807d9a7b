"""The rotation of a tenant's login: a second one is made and served with, and the former one goes when it is silent."""

from __future__ import annotations

from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.logins import former_logins, fresh_login, gets_login, login_of, make_login
from multi_tenant.lifecycle.placement import engine_for
from multi_tenant.lifecycle.state import find, require
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.models import AbstractTenant, TenantState

ROTATE = "rotate"
#: Seconds for which sessions of a former login are silent before they are ended: an iteration may pause so long.
SILENCE = 60.0


def rotate_login(alias: str) -> AbstractTenant:
    """Give a tenant another login, or its first one; each process uses it within REGISTRY_TTL.

    The former login stays until ``drop_former_logins``. If this is killed, the tenant has the former login or the new
    one, and both work. Raises UnknownTenantError, and ProvisioningError for a tenant that cannot have a login.
    """
    with turn_of(alias, step=ROTATE) as public:
        tenant = find(alias)
        require(tenant, TenantState.ACTIVE, TenantState.SUSPENDED, step=ROTATE)
        engine = engine_for(tenant, at_hand=public)
        refuse_without(engine, tenant)
        with engine.held():
            renewed = renew(engine, tenant)
        # What processes read from now on; the login works already.
        tenant.database = renewed
        tenant.save(using=PUBLIC, update_fields=["database", "updated_at"])
    return tenant


def renew(engine: Engine, tenant: AbstractTenant) -> Entry:
    """Make a login beside the one that a tenant has; answers the entry with it."""
    taken = {login_of(tenant), *former_logins(engine, tenant)}
    fresh = fresh_login(engine, tenant)
    while fresh["USER"] in taken:
        fresh = fresh_login(engine, tenant)
    renewed = Entry({**(tenant.database or {}), **fresh})
    # Also for a tenant that was made before there were logins, or whose tables somebody else has made since.
    engine.open_rows(str(tenant.owner_entry()["NAME"]))
    make_login(engine, tenant, entry=renewed)
    return renewed


def drop_former_logins(alias: str, *, silent_for: float = SILENCE) -> list[str]:
    """Drop the logins that a tenant had before, and answer those that are still in use, which are left.

    In use is a login of which a session is in a transaction, or was used within so many seconds. To be called when
    every process has the new login: REGISTRY_TTL after the rotation. Raises UnknownTenantError and ProvisioningError.
    """
    with turn_of(alias, step=ROTATE) as public:
        tenant = find(alias)
        if tenant.database is None:
            return []
        engine = engine_for(tenant, at_hand=public)
        with engine.held():
            former = former_logins(engine, tenant)
            busy = [login for login in former if engine.is_login_busy(login, silent_for=silent_for)]
            for login in former:
                if login not in busy:
                    engine.drop_login(login)
    return busy


def refuse_without(engine: Engine, tenant: AbstractTenant) -> None:
    """Raise ProvisioningError for a tenant that has no login which the deployment could renew."""
    if not gets_login(engine, tenant):
        raise ProvisioningError(
            f"Tenant {tenant.alias!r} has no login of its own that could be renewed here: it is on its own server, its "
            'engine has no logins, or MULTI_TENANT["TENANT_LOGINS"] is False. A password of its own server is changed '
            "there, and then in its entry.",
            step=ROTATE,
        )
