from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from multi_tenant import ProvisioningError, TenantUnavailableError, UnknownTenantError, current_alias, tenant_context
from multi_tenant.conf import conf
from multi_tenant.exceptions import TenantConnectionError, WrongDatabaseError
from multi_tenant.lifecycle import create_tenant, delete, purge, suspend
from multi_tenant.lifecycle.building import inside
from multi_tenant.lifecycle.placement import engine_for
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import DatabaseServer, Domain, Tenant
from multi_tenant.registry.store import store
from multi_tenant.routing.marker import write_marker
from multi_tenant.routing.owner import inside_record
from multi_tenant.signals import tenant_deleted
from tests.lifecycle.conftest import PREFIX, World
from tests.lifecycle.places import exists
from tests.testapp.library.models import Author


def test_what_is_left_is_the_row(server: DatabaseServer | None, world: World) -> None:
    databases = world()[2]
    made = create_tenant("acme", name="Acme", domains=["acme.example"], server=server)
    tenant = delete("acme", force=True)
    assert (tenant.pk, tenant.alias, tenant.name, tenant.state) == (made.pk, "acme", "Acme", "deleted")
    row = Tenant.objects.get()
    assert (row.database, row.location, row.fingerprint, row.step) == (None, None, "", "")
    assert row.deleted_at is not None
    assert not Domain.objects.exists()
    assert world()[2] == databases


def test_a_deleted_tenant_and_its_domain_are_known_no_more(registry: None) -> None:
    create_tenant("acme", domains=["acme.example"])
    assert store.by_host("acme.example") == "acme"
    delete("acme", force=True)
    assert store.by_host("acme.example") is None
    with pytest.raises(TenantUnavailableError):
        tenant_context("acme").__enter__()


def test_an_active_tenant_is_not_deleted_without_force(registry: None, world: World) -> None:
    create_tenant("acme")
    before = world()
    with pytest.raises(ProvisioningError, match="Suspend it first"):
        delete("acme")
    assert world() == before
    suspend("acme")
    assert delete("acme").state == "deleted"


def test_deleting_twice_is_deleting_once(registry: None) -> None:
    create_tenant("acme")
    first = delete("acme", force=True)
    assert delete("acme").deleted_at == first.deleted_at


def test_receivers_run_on_the_public_site(registry: None) -> None:
    seen: list[Any] = []

    def receive(sender: Any, tenant: Any, **kwargs: Any) -> None:
        seen.append((sender, tenant.state, current_alias()))

    create_tenant("acme")
    tenant_deleted.connect(receive)
    try:
        delete("acme", force=True)
        delete("acme")
    finally:
        tenant_deleted.disconnect(receive)
    assert seen == [(Tenant, "deleted", "public")]


def test_the_archive_holds_the_data_for_the_owners_eyes_alone(server: DatabaseServer | None) -> None:
    made = create_tenant("acme", server=server)
    with tenant_context("acme"):
        Author.objects.create(name="remembered")
    engine = engine_for(made)
    delete("acme", force=True)
    [archive] = conf.ARCHIVE_DIR.glob(f"acme-{made.pk}-*")
    assert archive.stat().st_mode & 0o777 == 0o600
    assert archive.suffix == engine.archive_suffix
    restored = f"{PREFIX}restored{engine.suffix}"
    engine.create(restored)
    engine.restore(archive, restored)
    with inside_record(TenantRecord("acme", made.pk, "", "", engine.entry_for(restored))):
        assert [author.name for author in Author.objects.all()] == ["remembered"]


def test_without_an_archive_nothing_is_kept(registry: None) -> None:
    made = create_tenant("acme")
    delete("acme", force=True, archive=False)
    assert not list(conf.ARCHIVE_DIR.glob(f"acme-{made.pk}-*"))


def test_without_pg_dump_nothing_is_changed(
    postgres: DatabaseServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_tenant("acme", server=postgres)
    before = world()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProvisioningError, match="pg_dump"):
        delete("acme", force=True)
    assert world() == before
    assert delete("acme", force=True, archive=False).state == "deleted"


def test_a_pg_dump_that_is_too_old_changes_nothing(
    postgres: DatabaseServer, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create_tenant("acme", server=postgres)
    before = world()[1:]
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ProvisioningError, match="older than the server"):
        delete("acme", force=True)
    assert world()[1:] == before
    tenant = Tenant.objects.get()
    assert tenant.state == "active"
    assert "older than the server" in tenant.error


def test_an_archive_that_cannot_be_written_changes_nothing(
    server: DatabaseServer | None, configure: Any, tmp_path: Any
) -> None:
    create_tenant("acme", server=server)
    (tmp_path / "file").touch()
    configure(ARCHIVE_DIR=tmp_path / "file" / "archive")
    with pytest.raises(ProvisioningError, match="ARCHIVE_DIR"):
        delete("acme", force=True)
    assert Tenant.objects.get().state == "active"
    with tenant_context("acme"):
        assert not Author.objects.exists()


def test_an_own_database_that_was_made_here_is_dropped(own: dict[str, Any]) -> None:
    create_tenant("acme", entry=own)
    delete("acme", force=True)
    assert not exists(own)


def test_a_database_with_another_mark_is_not_dropped(server: DatabaseServer | None, world: World) -> None:
    tenant = create_tenant("acme", server=server)
    with inside(tenant) as found:
        write_marker(found, Tenant().pk)
    before = world()
    with pytest.raises(WrongDatabaseError):
        delete("acme", force=True)
    assert world() == before
    with inside(tenant) as found:
        write_marker(found, tenant.pk)
    assert delete("acme", force=True).state == "deleted"


def test_a_tenant_whose_database_vanished_can_be_deleted(server: DatabaseServer | None) -> None:
    tenant = create_tenant("acme", server=server)
    engine_for(tenant).drop(tenant.entry()["NAME"])
    assert delete("acme", force=True).state == "deleted"


def test_a_server_that_is_gone_keeps_a_tenant_unless_forced(own_postgres: dict[str, Any], world: World) -> None:
    tenant = create_tenant("acme", entry=own_postgres)
    tenant.database = {**own_postgres, "PASSWORD": "changed since"}
    tenant.save()
    before = world()
    for options in ({"force": True}, {"archive": False}):
        with pytest.raises((TenantConnectionError, ProvisioningError)):
            delete("acme", **options)
    assert world() == before
    assert delete("acme", force=True, archive=False).state == "deleted"
    assert exists(own_postgres)


def test_a_pending_row_can_be_deleted(registry: None) -> None:
    Tenant.objects.create(alias="acme")
    assert delete("acme").state == "deleted"


def test_purging_frees_the_alias(registry: None) -> None:
    first = create_tenant("acme")
    with pytest.raises(ProvisioningError, match="deleted"):
        purge("acme")
    delete("acme", force=True)
    purged = purge("acme")
    assert purged.pk == first.pk
    with pytest.raises(UnknownTenantError):
        purge("acme")
    assert create_tenant("acme").pk != first.pk
