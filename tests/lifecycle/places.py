"""Work below the tenants: tables in databases that are not, or not yet, a tenant's."""

from __future__ import annotations

from typing import Any

from multi_tenant.lifecycle.building import inside
from multi_tenant.lifecycle.placement import own_engine
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.models import Tenant


def make_database(entry: dict[str, Any], *statements: str) -> None:
    """Make a database as somebody else would, and run statements in it."""
    own_engine(complete_own(entry), alias="somebody").create(complete_own(entry)["NAME"])
    run(entry, *statements)


def run(entry: dict[str, Any], *statements: str) -> list[Any]:
    """Run statements in an entry's database; answers the rows of the last one."""
    fields: Any = {"database": entry}
    rows: list[Any] = []
    with inside(Tenant(alias="somebody", placement="own", **fields)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = list(cursor.fetchall()) if cursor.description else []
    return rows


def exists(entry: dict[str, Any]) -> bool:
    """Whether an entry's database is there."""
    return own_engine(complete_own(entry), alias="somebody").exists(complete_own(entry)["NAME"])


def tables(entry: dict[str, Any]) -> list[str]:
    """The tables of an entry's database."""
    fields: Any = {"database": entry}
    with inside(Tenant(alias="somebody", placement="own", **fields)) as connection:
        return list(connection.introspection.table_names())
