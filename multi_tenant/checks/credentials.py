"""The check of which logins tenants are served with; it reads the registry, so it runs where databases are checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.db import connections

from multi_tenant.checks.findings import finding, on_readable_settings
from multi_tenant.context import active_place, public_context
from multi_tenant.exceptions import MultiTenantError
from multi_tenant.lifecycle.logins import gets_login, login_of
from multi_tenant.lifecycle.placement import engine_for, tenant_model
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.registry.models import AbstractTenant, Placement, TenantState

#: Aliases that a finding names.
SHOWN = 5


@on_readable_settings
def check_credentials(databases: Sequence[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Tenants whose login is not one that was made for rows alone; asked with the public database alone."""
    if not {DEFAULT, PUBLIC}.intersection(databases or ()) or active_place.get().is_tenant:
        return
    with public_context():
        if tenant_model()._meta.db_table not in connections[PUBLIC].introspection.table_names():
            return  # before the first migrate
        served = tenant_model()._base_manager.using(PUBLIC).filter(state=TenantState.ACTIVE).select_related("server")
        rows = list(served.order_by("alias"))
        own = [tenant.alias for tenant in rows if tenant.placement == Placement.OWN and not is_file(tenant)]
        bare = [tenant.alias for tenant in rows if lacks_login(tenant)]
    if own:
        yield finding("W007", count=str(len(own)), aliases=shown(own))
    if bare:
        yield finding("W008", count=str(len(bare)), aliases=shown(bare))


def is_file(tenant: AbstractTenant) -> bool:
    """Whether a tenant's database knows no logins."""
    try:
        return tenant.entry().vendor == "sqlite"
    except MultiTenantError:  # it is not served either, and says so by itself
        return True


def lacks_login(tenant: AbstractTenant) -> bool:
    """Whether a tenant on one of the deployment's servers should have a login of its own, and has none."""
    try:
        return gets_login(engine_for(tenant), tenant) and not login_of(tenant)
    except MultiTenantError:
        return False


def shown(aliases: Iterable[str]) -> str:
    """The first of some aliases, as a text."""
    names = list(aliases)
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
