"""P8: a connection leads to the database that is marked as its tenant's, or to none."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from multi_tenant.context import record_context, tenant_context
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.models import Tenant
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing import wrapper
from multi_tenant.routing.marker import CLEAR, TABLE, read_marker, write_marker
from multi_tenant.routing.wrapper import TenantConnection, tenant_connection
from tests.promises.control import Without, guarded_by, refused
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db(transaction=True)
unchecked = Without(TenantConnection, "_check_marker")


@pytest.fixture
def marked(acme: Tenant) -> Iterator[Callable[[str], None]]:
    """Runs SQL on acme's database for good, past its check; the right marker comes back."""

    def run(statement: str) -> None:
        other = tenant_connection(unmarked(acme))
        with other.cursor() as cursor:
            cursor.execute(statement)
        other.close()

    yield run
    other = tenant_connection(unmarked(acme))
    write_marker(other, acme.pk)
    other.close()


def unmarked(tenant: Tenant) -> TenantRecord:
    """A record of nobody's: the guard would ask for the tenant to be active."""
    return TenantRecord(tenant.alias, None, "", "provisioning", tenant.entry(), marked=False)


def opened() -> bool:
    with tenant_context("acme"):
        return not Author.objects.exists()


@guarded_by(unchecked)
@pytest.mark.parametrize(
    "damage",
    [
        f"UPDATE {TABLE} SET tenant = '{uuid.uuid4()}'",
        f"UPDATE {TABLE} SET tenant = 'nobody'",
        CLEAR,
        f"DROP TABLE {TABLE}",
    ],
    ids=["another tenant's", "malformed", "empty", "missing"],
)
def test_a_database_with_a_wrong_marker_is_refused(damage: str, marked: Callable[[str], None]) -> None:
    marked(damage)
    assert refused(WrongTenantError, opened)


@guarded_by(unchecked)
def test_an_entry_that_leads_to_another_tenants_database_is_refused(acme: Tenant, bolt: Tenant) -> None:
    swapped = bolt.database
    bolt.database = None
    bolt.save()
    acme.database = swapped
    acme.save()
    assert refused(WrongTenantError, opened)


def test_the_refusal_names_the_cure_and_leaves_nothing_open(marked: Callable[[str], None]) -> None:
    marked(CLEAR)
    with tenant_context("acme"):
        with pytest.raises(WrongTenantError, match="adopt_tenant") as caught:
            connection.ensure_connection()
        assert (caught.value.found, caught.value.expected) == (None, "acme")
        assert connection.connection is None


def test_a_new_alias_of_the_same_database_is_refused(acme: Tenant) -> None:
    record = TenantRecord("other", uuid.uuid4(), "", "active", acme.entry())
    with record_context(record), pytest.raises(WrongTenantError):
        connection.ensure_connection()


def test_the_marker_is_read_once_for_each_physical_connection(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []

    def counted(raw: Any) -> uuid.UUID | None:
        reads.append(raw)
        return read_marker(raw)

    monkeypatch.setattr(wrapper, "read_marker", counted)
    for _ in range(3):
        with tenant_context(acme):
            Author.objects.create(name="x")
    assert len(reads) == 1
    connections["acme"].close()
    with tenant_context(acme):
        assert Author.objects.count() == 3
    assert len(reads) == 2
    second = connections["acme"].copy()
    second.ensure_connection()
    second.close()
    assert len(reads) == 3


def test_a_marker_is_replaced_and_there_is_one(acme: Tenant) -> None:
    with tenant_context(acme):
        write_marker(connection, uuid.uuid4())
        write_marker(connection, acme.pk)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")
            assert cursor.fetchone() == (1,)
        assert read_marker(connection.connection) == acme.pk
