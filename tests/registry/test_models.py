"""The registry's rows: each change raises the version, and no two tenants share a database."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.models import DatabaseServer, Domain, RegistryVersion, Tenant
from multi_tenant.registry.models import TenantState
from multi_tenant.registry.store import store

pytestmark = pytest.mark.django_db
SQLITE = "django.db.backends.sqlite3"


@pytest.fixture
def acme() -> Tenant:
    row = Tenant.objects.create(alias="acme", database={"NAME": "acme"})
    Domain.objects.create(tenant=row, host="acme.example")
    return row


def version() -> int:
    return max(RegistryVersion.objects.values_list("version", flat=True), default=0)


def load_fixture(row: Tenant, path: Path) -> None:
    call_command("dumpdata", "multi_tenant.tenant", output=str(path), verbosity=0)
    path.write_text(path.read_text().replace('"name": ""', '"name": "loaded"'))
    call_command("loaddata", str(path), verbosity=0, stdout=StringIO())


Change = Callable[[Tenant, Path], Any]
CHANGES: dict[str, Change] = {
    "save": lambda row, path: row.save(),
    "save some fields": lambda row, path: row.save(update_fields=["state"]),
    "create": lambda row, path: Tenant.objects.create(alias="bolt"),
    "get_or_create": lambda row, path: Tenant.objects.get_or_create(alias="bolt"),
    "update": lambda row, path: Tenant.objects.filter(pk=row.pk).update(state=TenantState.SUSPENDED),
    "bulk_create": lambda row, path: Tenant.objects.bulk_create([Tenant(alias="bolt")]),
    "bulk_update": lambda row, path: Tenant.objects.bulk_update([row], ["state"]),
    "delete": lambda row, path: row.delete(),
    "queryset delete": lambda row, path: Tenant.objects.filter(pk=row.pk).delete(),
    "raw delete": lambda row, path: Domain.objects.filter(tenant=row)._raw_delete("public"),
    "related create": lambda row, path: row.domains.create(host="other.example"),
    "related add": lambda row, path: row.domains.add(Domain(host="other.example"), bulk=False),
    "move a domain": lambda row, path: Tenant.objects.create(alias="bolt").domains.set(row.domains.all()),
    "delete a domain": lambda row, path: row.domains.get().delete(),
    "server": lambda row, path: DatabaseServer.objects.create(name="one", credentials={}),
    "base manager": lambda row, path: Tenant._base_manager.update(name="new"),
    "loaddata": lambda row, path: load_fixture(row, path / "tenants.json"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_way_of_writing_raises_the_version(name: str, acme: Tenant, tmp_path: Path) -> None:
    before = version()
    CHANGES[name](acme, tmp_path)
    assert version() > before


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_rolled_back_takes_its_version_along(name: str, acme: Tenant, tmp_path: Path) -> None:
    before = version()
    with transaction.atomic():
        CHANGES[name](acme, tmp_path)
        transaction.set_rollback(True)
    assert version() == before


def test_a_cascade_raises_the_version_for_the_rows_it_takes(acme: Tenant) -> None:
    Domain.objects.create(tenant=acme, host="second.example")
    before = version()
    acme.delete()
    assert version() >= before + 3


def test_reading_raises_nothing(acme: Tenant) -> None:
    before = version()
    assert list(Tenant.objects.all())
    acme.refresh_from_db()
    assert version() == before


def test_a_loaded_row_keeps_its_secret(acme: Tenant, tmp_path: Path) -> None:
    load_fixture(acme, tmp_path / "tenants.json")
    acme.refresh_from_db()
    assert acme.name == "loaded"
    assert acme.database == {"NAME": "acme"}


def test_this_process_looks_again_at_once(acme: Tenant) -> None:
    assert store.get("acme").state == TenantState.PENDING
    Tenant.objects.filter(pk=acme.pk).update(state=TenantState.ACTIVE)
    assert store.get("acme").state == TenantState.ACTIVE


@pytest.mark.parametrize(
    "write",
    [
        lambda row: row.save(),
        lambda row: Tenant.objects.bulk_create([row]),
    ],
    ids=["save", "bulk_create"],
)
def test_two_tenants_cannot_share_a_database(write: Callable[[Tenant], Any], acme: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write(Tenant(alias="bolt", database={"NAME": "acme"}))
    assert not Tenant.objects.filter(alias="bolt").exists()


def test_the_location_follows_the_entry(acme: Tenant) -> None:
    before = acme.location
    acme.database = {"NAME": "moved"}
    acme.save(update_fields=["database"])
    acme.refresh_from_db()
    assert before != acme.location == acme.entry().location


def test_the_location_follows_the_placement(acme: Tenant, configure: Any) -> None:
    configure(ENTRY_HOSTS=["db.example"])
    server = DatabaseServer.objects.create(
        name="one", credentials={"ENGINE": "django.db.backends.postgresql", "HOST": "db.example"}
    )
    before = acme.location
    acme.server, acme.placement = server, "server"
    acme.save(update_fields=["server", "placement"])
    acme.refresh_from_db()
    assert acme.location != before


def test_tenants_without_a_database_have_no_location() -> None:
    rows = [Tenant.objects.create(alias=alias) for alias in ("acme", "bolt")]
    assert [row.location for row in rows] == [None, None]
    with pytest.raises(InvalidEntryError, match="no database yet"):
        rows[0].entry()


def test_a_server_with_tenants_is_not_deleted(acme: Tenant) -> None:
    server = DatabaseServer.objects.create(name="one", credentials={})
    Tenant.objects.filter(pk=acme.pk).update(server=server)
    with pytest.raises(ProtectedError):
        server.delete()


def test_rows_are_shown_by_their_names(acme: Tenant) -> None:
    assert [str(acme), str(acme.domains.get()), str(DatabaseServer(name="one"))] == ["acme", "acme.example", "one"]


def test_the_owners_entry_is_without_the_tenants_login() -> None:
    rows: Any = Tenant.objects
    placed = rows.create(alias="placed", database={"NAME": "placed", "USER": "its own", "PASSWORD": "its own"})
    own = rows.create(alias="own", placement="own", database={"ENGINE": SQLITE, "NAME": "own.sqlite3"})
    assert placed.entry()["USER"] == "its own"
    assert "its own" not in (placed.owner_entry()["USER"], placed.owner_entry()["PASSWORD"])
    assert placed.owner_entry()["NAME"] == placed.entry()["NAME"]
    assert own.owner_entry() == own.entry()
