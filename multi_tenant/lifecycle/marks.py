"""Whose a database is: read before it is marked, adopted or dropped."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from multi_tenant.exceptions import WrongTenantError
from multi_tenant.registry.models import AbstractTenant
from multi_tenant.routing.marker import TABLE, read_marker


def refuse_marked(tenant: AbstractTenant, connection: Any) -> None:
    """Raise WrongTenantError when a database bears another tenant's mark."""
    found = mark_of(connection)
    if found not in (None, tenant.pk):
        raise WrongTenantError(
            f"The database for {tenant.alias!r} is marked as another tenant's. Name another database; if that tenant "
            f"is gone for good, drop the table {TABLE} by hand.",
            found=str(found),
            expected=tenant.alias,
        )


def mark_of(connection: Any) -> UUID | None:
    """Whose a database is, None where it bears no mark. Raises WrongTenantError for a mark that nobody can read."""
    if TABLE not in connection.introspection.table_names():
        return None
    try:
        return read_marker(connection.connection)
    except ValueError:
        raise WrongTenantError(
            f"The database for {connection.alias!r} bears a mark that is none of ours. Look at its table {TABLE}.",
            expected=connection.alias,
        ) from None
