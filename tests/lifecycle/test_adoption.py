from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, connections

from multi_tenant import ProvisioningError, WrongTenantError, tenant_context
from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidAliasError, InvalidEntryError, TenantConnectionError
from multi_tenant.lifecycle import adopt, create_tenant, delete, fingerprint, purge
from multi_tenant.lifecycle.placement import engine_for
from multi_tenant.registry.models import DatabaseServer, Tenant
from multi_tenant.routing.marker import TABLE
from tests.lifecycle.conftest import PREFIX, World
from tests.lifecycle.places import exists, make_database, run, tables
from tests.testapp.library.models import Author


def free(entry: dict[str, Any]) -> None:
    """Make a database that was a tenant's: migrated, filled and unmarked."""
    create_tenant("old", entry=entry)
    with tenant_context("old"):
        Author.objects.create(name="first")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {TABLE}")
    connections["public"].close()
    Tenant.objects.all().delete()


def test_an_existing_database_becomes_a_tenants(own: dict[str, Any]) -> None:
    free(own)
    tenant = adopt("acme", entry=own, name="Acme", domains=["acme.example"])
    assert (tenant.state, tenant.adopted, tenant.fingerprint) == ("active", True, fingerprint())
    with tenant_context("acme"):
        assert [author.name for author in Author.objects.all()] == ["first"]


def test_an_empty_database_is_migrated(own: dict[str, Any]) -> None:
    make_database(own)
    adopt("acme", entry=own)
    with tenant_context("acme"):
        assert not Author.objects.exists()


def test_a_name_alone_is_on_the_given_server(server: DatabaseServer | None) -> None:
    template = create_tenant("old", server=server)
    name = f"{PREFIX}legacy{engine_for(template).suffix}"
    engine_for(template).create(name)
    tenant = adopt("acme", entry={"NAME": name}, server=server)
    assert tenant.placement == ("public" if server is None else "server")
    with tenant_context("acme"):
        assert not Author.objects.exists()


def test_a_deleted_adopted_tenant_leaves_its_database_unmarked(own: dict[str, Any]) -> None:
    make_database(own, "CREATE TABLE somebodys (id integer)")
    adopt("acme", entry=own)
    assert TABLE in tables(own)
    delete("acme", force=True, archive=False)
    assert "somebodys" in tables(own)
    assert TABLE not in tables(own)
    assert adopt("bolt", entry=own).state == "active"


def test_a_database_marked_for_another_is_refused(own: dict[str, Any], world: World) -> None:
    create_tenant("acme", entry=own)
    Tenant.objects.all().delete()
    before = world()
    with pytest.raises(WrongTenantError, match="another tenant"):
        adopt("bolt", entry=own)
    assert world() == before


def test_a_mark_that_is_none_of_ours_is_refused(own: dict[str, Any], world: World) -> None:
    make_database(own, f"CREATE TABLE {TABLE} (id integer, tenant varchar(36))", f"INSERT INTO {TABLE} VALUES (1, 'x')")
    before = world()
    with pytest.raises(WrongTenantError, match="none of ours"):
        adopt("acme", entry=own)
    assert world() == before


def test_a_database_that_a_tenant_uses_is_refused(own: dict[str, Any], world: World) -> None:
    create_tenant("acme", entry=own)
    before = world()
    with pytest.raises(ProvisioningError, match="another tenant"):
        adopt("bolt", entry=own)
    assert world() == before


def test_migrations_that_this_code_does_not_know_are_refused(own: dict[str, Any], world: World) -> None:
    free(own)
    run(own, "INSERT INTO django_migrations (app, name, applied) VALUES ('library', '0099_later', '2030-01-01')")
    before = world()
    with pytest.raises(ProvisioningError, match=r"library\.0099_later"):
        adopt("acme", entry=own)
    assert world() == before


def test_a_database_that_is_not_there_is_refused(own: dict[str, Any], world: World) -> None:
    before = world()
    with pytest.raises(TenantConnectionError):
        adopt("acme", entry=own)
    assert world() == before
    assert not exists(own)


def test_the_public_database_is_refused(registry: None, world: World) -> None:
    before = world()
    with pytest.raises(InvalidEntryError):
        adopt("acme", entry={"NAME": str(connections["public"].settings_dict["NAME"])})
    assert world() == before


def test_a_database_with_a_registry_is_refused(own: dict[str, Any], world: World) -> None:
    make_database(own, "CREATE TABLE multi_tenant_tenant (id integer)")
    before = world()
    with pytest.raises(ProvisioningError, match="registry"):
        adopt("acme", entry=own)
    assert world() == before


@pytest.mark.parametrize("entry", [None, {}, {"NAME": ""}, {"HOST": "db.example"}])
def test_without_a_name_nothing_is_adopted(entry: Any, world: World) -> None:
    before = world()
    with pytest.raises(InvalidEntryError):
        adopt("acme", entry=entry)
    assert world() == before


def test_on_a_server_of_the_registry_the_name_is_all(postgres: DatabaseServer, own_postgres: dict[str, Any]) -> None:
    with pytest.raises(InvalidEntryError, match="NAME alone"):
        adopt("acme", entry=own_postgres, server=postgres)


def test_a_tenant_is_not_adopted_twice(own: dict[str, Any], world: World) -> None:
    make_database(own)
    adopt("acme", entry=own)
    before = world()
    with pytest.raises(InvalidAliasError):
        adopt("acme", entry=own)
    assert world() == before


def test_a_half_made_tenant_is_finished_not_adopted(own: dict[str, Any]) -> None:
    make_database(own)
    rows: Any = Tenant.objects
    rows.create(alias="acme", state="failed", step="reserve", placement="own", database={**own, "NAME": "x"})
    with pytest.raises(ProvisioningError, match="half-made"):
        adopt("acme", entry=own)


def test_a_migration_that_fails_leaves_no_tenant(own: dict[str, Any], world: World) -> None:
    make_database(own, "CREATE TABLE library_author (id integer)")
    before = world()
    with pytest.raises(ProvisioningError, match="schema"):
        adopt("acme", entry=own)
    assert world() == before
    assert "library_author" in tables(own)


def test_an_adopted_tenants_archive_is_kept(own: dict[str, Any]) -> None:
    make_database(own)
    adopt("acme", entry=own)
    tenant = delete("acme", force=True)
    assert len(list(conf.ARCHIVE_DIR.glob(f"acme-{tenant.pk}-*"))) == 1
    purge("acme")
    assert exists(own)
