"""What commands show of a tenant: nothing that is secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps

from multi_tenant.conf import conf
from multi_tenant.registry.aliases import PUBLIC

COLUMNS = ("alias", "state", "server", "domains", "name", "error")


def all_tenants() -> list[Any]:
    """The rows of all tenants by alias, without their entries."""
    rows = apps.get_model(conf.TENANT_MODEL)._base_manager.using(PUBLIC).defer("database", "server__credentials")
    return list(rows.select_related("server").prefetch_related("domains").order_by("alias"))


def document_of(tenant: Any) -> dict[str, Any]:
    """A tenant for machines."""
    return {
        "alias": tenant.alias,
        "uuid": tenant.pk,
        "name": tenant.name,
        "state": tenant.state,
        "error": tenant.error,
        "domains": hosts_of(tenant),
        "placement": tenant.placement,
        "server": tenant.server.name if tenant.server else None,
        "created_at": tenant.created_at,
        "deleted_at": tenant.deleted_at,
    }


def table_of(tenants: Iterable[Any]) -> list[str]:
    """The tenants for people, a line each below the headings."""
    rows = [COLUMNS, *map(cells_of, tenants)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def cells_of(tenant: Any) -> Sequence[str]:
    """A tenant's line in the table."""
    document = document_of(tenant)
    server = document["server"] or document["placement"]
    hosts = ", ".join(document["domains"])
    return [printable(cell) for cell in (tenant.alias, tenant.state, server, hosts, tenant.name, tenant.error)]


def hosts_of(tenant: Any) -> list[str]:
    """The hosts that lead to a tenant."""
    return [domain.host for domain in tenant.domains.all()]


def printable(text: str) -> str:
    """A text from the registry without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in str(text))
