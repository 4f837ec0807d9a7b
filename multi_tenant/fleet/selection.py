"""Which tenants a run over the fleet is for; asked by the commands and by the migrator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps

from multi_tenant.conf import conf
from multi_tenant.exceptions import UnknownTenantError
from multi_tenant.registry.aliases import PUBLIC

ACTIVE = "active"
SUSPENDED = "suspended"
#: The states in which a tenant's database is whole, served or not.
WHOLE = frozenset({ACTIVE, SUSPENDED})


@dataclass(frozen=True, slots=True)
class FleetTenant:
    """What a run needs to know of a tenant: no settings, so that thousands of them weigh little."""

    alias: str
    uuid: UUID
    state: str
    fingerprint: str


def in_states(states: Iterable[str]) -> list[FleetTenant]:
    """All tenants in one of these states, by alias."""
    return read(state__in=set(states))


def named(aliases: Sequence[str]) -> list[FleetTenant]:
    """The tenants of these aliases, in this order, whatever their states; one named twice comes once.

    Raises UnknownTenantError before anything is done, if there is no such tenant.
    """
    found = {tenant.alias: tenant for tenant in read(alias__in=set(aliases))}
    for alias in aliases:
        if alias not in found:
            raise UnknownTenantError(alias)
    return [found[alias] for alias in dict.fromkeys(aliases)]


def read(**conditions: object) -> list[FleetTenant]:
    """The tenants that meet the conditions, by alias."""
    rows = apps.get_model(conf.TENANT_MODEL)._base_manager.using(PUBLIC).filter(**conditions)
    columns = rows.order_by("alias").values_list("alias", "pk", "state", "fingerprint")
    return [FleetTenant(*row) for row in columns]
