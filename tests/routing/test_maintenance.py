"""What Django asks of a server rather than of a database, from a tenant's connection."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.routing.wrapper import TenantConnection
from tests.promises.control import Without, guarded_by
from tests.settings import PUBLIC

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PUBLIC != "postgres", reason="SQLite has no server"),
]


def asked(cursor: Any) -> str:
    """The database that a cursor works in."""
    cursor.execute("SELECT current_database()")
    return str(cursor.fetchone()[0])


def djangos_own(self: TenantConnection) -> Any:
    """The method of PostgreSQL's backend, which turns to the first other database that is open."""
    return super(TenantConnection, self)._nodb_cursor()


def test_a_tenants_connection_reaches_the_servers_maintenance_database(acme: Any) -> None:
    with tenant_context(acme.alias), connection._nodb_cursor() as cursor:
        assert asked(cursor) == "postgres"


@pytest.mark.filterwarnings("ignore:Normally Django will use a connection to the 'postgres' database")
@guarded_by(Without(TenantConnection, "_nodb_cursor", djangos_own))
def test_where_that_is_refused_no_other_database_stands_in_for_it(
    acme: Any, bolt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = TenantConnection.get_connection_params

    def no_maintenance_database(self: TenantConnection) -> dict[str, Any]:
        params = stock(self)
        return params if self.settings_dict["NAME"] else {**params, "dbname": "no_such_database"}

    monkeypatch.setattr(TenantConnection, "get_connection_params", no_maintenance_database)
    with tenant_context(bolt.alias):
        connection.ensure_connection()
    with tenant_context(acme.alias), pytest.raises(TenantConnectionError), connection._nodb_cursor() as cursor:
        asked(cursor)
