"""P8, by PostgreSQL's own permissions: a tenant's login reaches the rows of its own database, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection

from multi_tenant.context import record_context, tenant_context
from multi_tenant.exceptions import TenantConnectionError, WrongDatabaseError
from multi_tenant.lifecycle import create_tenant, owner_context
from multi_tenant.lifecycle.placement import server_engine
from multi_tenant.lifecycle.template import template_name
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import AbstractTenant, DatabaseServer
from multi_tenant.routing.marker import TABLE
from multi_tenant.routing.wrapper import TenantConnection, tenant_connection
from tests.lifecycle.conftest import dropped as dropped
from tests.lifecycle.conftest import postgres as postgres
from tests.lifecycle.conftest import registry as registry
from tests.lifecycle.conftest import templates as templates
from tests.promises.control import Without
from tests.testapp.library.models import Author

unchecked = Without(TenantConnection, "_check_marker")


@pytest.fixture
def acme(postgres: DatabaseServer) -> AbstractTenant:
    return create_tenant("acme", server=postgres)


@pytest.fixture
def bolt(postgres: DatabaseServer) -> AbstractTenant:
    """Another one, with a row that nobody else may see."""
    tenant = create_tenant("bolt", server=postgres)
    with tenant_context("bolt"):
        Author.objects.create(name="bolt's")
    return tenant


def misled(tenant: AbstractTenant, other: AbstractTenant) -> TenantRecord:
    """A tenant as a bug would have it that takes one tenant's database for another's."""
    entry = Entry({**tenant.entry(), "NAME": other.entry()["NAME"]})
    return TenantRecord(tenant.alias, tenant.pk, "", "active", entry)


def rows_of(record: TenantRecord) -> list[str]:
    with record_context(record):
        try:
            return [author.name for author in Author.objects.all()]
        finally:
            connection.close()


@contextmanager
def open_to_all(tenant: AbstractTenant) -> Iterator[None]:
    """Take the gate away: as a database is that nobody closed."""
    name = connection.ops.quote_name(tenant.entry()["NAME"])
    with owner_context(tenant) as owner, owner.cursor() as cursor:
        cursor.execute(f"GRANT CONNECT ON DATABASE {name} TO PUBLIC")
    yield


def test_led_to_another_tenants_database_the_server_refuses_and_behind_it_the_marker(
    acme: AbstractTenant, bolt: AbstractTenant
) -> None:
    wrong = misled(acme, bolt)
    with pytest.raises(TenantConnectionError, match="may not connect"):
        rows_of(wrong)
    with unchecked(), pytest.raises(TenantConnectionError, match="may not connect"):
        rows_of(wrong)
    with open_to_all(bolt):
        with pytest.raises(WrongDatabaseError):
            rows_of(wrong)
        with unchecked():  # the control: with neither of them the foreign row is read
            assert rows_of(wrong) == ["bolt's"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id integer)",
        "ALTER TABLE library_author ADD COLUMN mine integer",
        "DROP TABLE library_author",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        f"UPDATE {TABLE} SET tenant = 'another'",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
        "SELECT * FROM pg_authid",
        "SET ROLE {owner}",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "ALTER ROLE {owner} PASSWORD 'mine'",
        "COPY library_author TO PROGRAM 'cat'",
    ],
)
def test_a_tenants_login_may_not(statement: str, acme: AbstractTenant) -> None:
    owner = connection.ops.quote_name(acme.owner_entry()["USER"])
    with tenant_context("acme"), connection.cursor() as cursor, pytest.raises(DatabaseError) as refused:
        cursor.execute(statement.format(owner=owner))
    assert getattr(refused.value.__cause__, "sqlstate", "") == "42501"


def test_a_tenants_login_works_with_rows(acme: AbstractTenant) -> None:
    with tenant_context("acme"), connection.cursor() as cursor:
        author = Author.objects.create(name="first")
        author.name = "second"
        author.save()
        assert Author.objects.get().name == "second"
        author.delete()
        cursor.execute("SELECT setval(pg_get_serial_sequence('library_author', 'id'), 7)")
        cursor.execute("TRUNCATE library_author CASCADE")
        cursor.execute("CREATE TEMPORARY TABLE mine (id integer)")


def test_as_the_group_it_has_no_more_rights(acme: AbstractTenant, postgres: DatabaseServer) -> None:
    group = server_engine(postgres, alias="x").group  # type: ignore[attr-defined]  # PostgreSQL's own
    with tenant_context("acme"), connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {connection.ops.quote_name(group)}")
        for statement in ("CREATE TABLE mine (id integer)", f"DELETE FROM {TABLE}"):
            with pytest.raises(DatabaseError, match="permission denied"):
                cursor.execute(statement)
        connection.close()


def test_tables_of_later_migrations_are_open_too(acme: AbstractTenant) -> None:
    with owner_context("acme") as owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE later (id serial PRIMARY KEY)")
    with tenant_context("acme"), connection.cursor() as cursor:
        cursor.execute("INSERT INTO later DEFAULT VALUES")


@pytest.mark.parametrize("draft", [False, True])
def test_a_template_lets_no_tenant_in(draft: bool, acme: AbstractTenant, postgres: DatabaseServer) -> None:
    engine = server_engine(postgres, alias="x")
    name = template_name(engine)
    if draft:
        name = f"{name}_draft"
        engine.create(name, private=True)
        engine.open_rows(name)
    entry: Any = Entry({**acme.entry(), "NAME": name})
    record = TenantRecord("acme", None, "", "", entry, marked=False)
    with closing(tenant_connection(record)) as inside, pytest.raises(TenantConnectionError):
        inside.ensure_connection()
