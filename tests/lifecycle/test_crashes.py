"""Killed at any step, a tenant's life is taken up again: nothing half-made is served, nothing is lost."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder

from multi_tenant import ProvisioningError, TenantUnavailableError, tenant_context
from multi_tenant.conf import conf
from multi_tenant.lifecycle import adopt, create_tenant, delete, purge, steps
from multi_tenant.lifecycle import provision as provisioning
from multi_tenant.lifecycle.placement import engine_for
from multi_tenant.lifecycle.template import template_name
from multi_tenant.registry.models import AbstractTenant, DatabaseServer, Domain, Tenant
from tests.lifecycle.conftest import PREFIX, TEMPLATED, World, known_engines
from tests.lifecycle.forks import KILLED, REFUSED, end, killed, start
from tests.lifecycle.places import exists, make_database, tables
from tests.testapp.library.models import Author

STEPS = ["create_database", "admit", "make_schema", "mark"]
POINTS = [*(f"{event} {step}" for step in STEPS for event in ("call", "return")), "call activate"]
TEMPLATE_POINTS = ["return create", "call publish", "return publish", "return clone"]


def is_served(alias: str) -> bool:
    with tenant_context(alias):
        Author.objects.create(name="one")
        return Author.objects.count() == 1


def databases_of(tenant: AbstractTenant) -> set[str]:
    return {name for engine in known_engines for name in engine.names("") if tenant.pk.hex[:8] in name}


@pytest.mark.parametrize("point", POINTS)
def test_making_is_taken_up_again(point: str, server: DatabaseServer | None) -> None:
    killed(lambda: create_tenant("acme", server=server, domains=["acme.example"]), at=point)
    left = Tenant.objects.get()
    assert left.state == "provisioning"
    with pytest.raises(TenantUnavailableError):
        tenant_context("acme").__enter__()
    tenant = create_tenant("acme")
    assert (tenant.pk, tenant.state, tenant.placement) == (left.pk, "active", left.placement)
    assert is_served("acme")
    assert len(databases_of(left)) == 1
    assert [domain.host for domain in Domain.objects.all()] == ["acme.example"]


def make_half(**places: Any) -> None:
    """Make a tenant in a process that is killed when a migration is done and not recorded yet."""

    def record(recorder: Any, app: str, name: str) -> None:
        if app == "library":
            os.kill(os.getpid(), signal.SIGKILL)
        record_applied(recorder, app, name)

    record_applied = MigrationRecorder.record_applied
    MigrationRecorder.record_applied = record  # type: ignore[assignment, method-assign]
    try:
        assert end(start(lambda: create_tenant("acme", **places))) == KILLED
    finally:
        MigrationRecorder.record_applied = record_applied  # type: ignore[method-assign]


@pytest.fixture(params=["sqlite", "postgres", "mariadb", "placed"])
def untemplated(request: pytest.FixtureRequest, registry: None) -> dict[str, Any]:
    """Where a tenant's database is migrated by itself."""
    if request.param == "placed":
        return {"server": request.getfixturevalue("mariadb")}
    return {"entry": request.getfixturevalue(f"own_{request.param}")}


def test_a_migration_that_is_killed_is_begun_anew(untemplated: dict[str, Any]) -> None:
    make_half(**untemplated)
    assert Tenant.objects.get().state == "provisioning"
    assert create_tenant("acme").state == "active"
    assert is_served("acme")


@pytest.mark.parametrize("untemplated", ["sqlite", "mariadb"], indirect=True)
def test_what_a_killed_migration_left_would_be_in_the_way(
    untemplated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_half(**untemplated)
    with monkeypatch.context() as patch:
        patch.setattr(steps, "begin_anew", lambda tenant, engine: None)
        with pytest.raises(ProvisioningError, match="'schema' failed"):
            create_tenant("acme")
    assert Tenant.objects.get().state == "failed"
    create_tenant("acme")
    assert is_served("acme")


@pytest.mark.parametrize("untemplated", ["postgres", "mariadb"], indirect=True)
@pytest.mark.parametrize("point", ["call drop", "return drop", "return create"])
def test_beginning_anew_is_taken_up_again(point: str, untemplated: dict[str, Any]) -> None:
    make_half(**untemplated)
    killed(lambda: create_tenant("acme"), at=point)
    create_tenant("acme")
    assert is_served("acme")


@pytest.mark.parametrize("untemplated", ["sqlite", "mariadb", "placed"], indirect=True)
def test_a_half_migrated_tenant_can_be_deleted(untemplated: dict[str, Any]) -> None:
    make_half(**untemplated)
    left = Tenant.objects.get()
    assert delete("acme").state == "deleted"
    assert databases_of(left) == set()


@pytest.mark.parametrize("point", ["call drop_begun", "return drop_begun"])
def test_an_undoing_that_is_killed_is_taken_up(
    point: str, server: DatabaseServer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(attempt: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(provisioning, "STEPS", (provisioning.STEPS[0], ("schema", broken)))
        killed(lambda: create_tenant("acme", server=server), at=point)
    assert Tenant.objects.get().state == "provisioning"
    create_tenant("acme")
    assert is_served("acme")


def test_once_active_a_tenant_is_whole(server: DatabaseServer | None) -> None:
    killed(lambda: create_tenant("acme", server=server), at="return activate")
    assert is_served("acme")


@pytest.mark.parametrize(
    "point", ["call reserve", "call create_database", "return create_database", "return make_schema"]
)
def test_making_on_an_own_server_is_taken_up_again(point: str, own: dict[str, Any]) -> None:
    killed(lambda: create_tenant("acme", entry=own), at=point)
    create_tenant("acme", entry=own)
    assert is_served("acme")


def test_a_half_made_tenant_gets_a_corrected_login(own_postgres: dict[str, Any]) -> None:
    killed(lambda: create_tenant("acme", entry={**own_postgres, "CONN_MAX_AGE": 5}), at="call make_schema")
    create_tenant("acme", entry=own_postgres)
    assert Tenant.objects.get().entry()["CONN_MAX_AGE"] == 0


def test_a_half_made_tenant_does_not_move(own: dict[str, Any], world: World) -> None:
    killed(lambda: create_tenant("acme", entry=own), at="return create_database")
    before = world()
    with pytest.raises(Exception, match="begun elsewhere"):
        create_tenant("acme", entry={**own, "NAME": f"{PREFIX}other.sqlite3"})
    assert world() == before


def test_a_database_that_somebody_filled_meanwhile_is_not_taken(own: dict[str, Any], world: World) -> None:
    killed(lambda: create_tenant("acme", entry=own), at="call create_database")
    make_database(own, "CREATE TABLE somebodys (id integer)")
    with pytest.raises(Exception, match="exists already"):
        create_tenant("acme", entry=own)
    assert Tenant.objects.get().state == "failed"
    with pytest.raises(Exception, match="not marked"):
        delete("acme")
    assert tables(own) == ["somebodys"]


@pytest.mark.parametrize("server", TEMPLATED, indirect=True)
@pytest.mark.parametrize("point", TEMPLATE_POINTS)
def test_a_template_is_built_again(point: str, server: DatabaseServer | None, configure: Any) -> None:
    configure(DATABASE_PREFIX=f"{PREFIX}fresh_")
    killed(lambda: create_tenant("acme", server=server), at=point)
    create_tenant("acme")
    assert is_served("acme")
    engine = engine_for(Tenant.objects.get())
    assert engine.exists(template_name(engine))


@pytest.mark.parametrize(
    "point", ["call archive_database", "return archive_database", "call drop", "return drop", "call forget"]
)
def test_a_deletion_is_taken_up_again(point: str, server: DatabaseServer | None) -> None:
    made = create_tenant("acme", server=server)
    killed(lambda: delete("acme", force=True), at=point)
    assert Tenant.objects.get().state == "deleting"
    assert delete("acme").state == "deleted"
    assert databases_of(made) == set()
    assert len(list(conf.ARCHIVE_DIR.glob(f"acme-{made.pk}-*"))) in (1, 2)


@pytest.mark.parametrize("point", POINTS)
def test_a_half_made_tenant_can_be_deleted(point: str, server: DatabaseServer | None) -> None:
    killed(lambda: create_tenant("acme", server=server), at=point)
    left = Tenant.objects.get()
    assert delete("acme", archive=False).state == "deleted"
    assert databases_of(left) == set()
    purge("acme")
    assert create_tenant("acme").pk != left.pk


@pytest.mark.parametrize("point", ["call make_schema", "return make_schema", "return mark"])
def test_an_adoption_is_taken_up_again(point: str, own: dict[str, Any]) -> None:
    make_database(own)
    killed(lambda: adopt("acme", entry=own), at=point)
    assert adopt("acme").state == "active"
    assert is_served("acme")
    delete("acme", force=True)
    assert exists(own)


def test_a_half_made_adoption_is_not_made_anew(own: dict[str, Any], world: World) -> None:
    make_database(own, "CREATE TABLE somebodys (id integer)")
    killed(lambda: adopt("acme", entry=own), at="call mark")
    before = world()
    with pytest.raises(ProvisioningError, match="adopt_tenant"):
        create_tenant("acme", entry=own)
    assert world() == before
    assert create_tenant("acme").adopted  # which goes on with what was begun
    delete("acme", force=True, archive=False)
    assert "somebodys" in tables(own)


@pytest.mark.parametrize("archive", [True, False])
def test_the_deletion_of_an_adopted_tenant_is_taken_up_again(archive: bool, own: dict[str, Any]) -> None:
    make_database(own)
    adopt("acme", entry=own)
    killed(lambda: delete("acme", force=True, archive=archive), at="call forget")
    assert delete("acme", archive=archive).state == "deleted"
    assert exists(own)


@pytest.mark.parametrize("templated", [True, False])
def test_two_processes_make_one_tenant(server: DatabaseServer | None, configure: Any, templated: bool) -> None:
    configure(TEMPLATES=templated)
    gate, opener = os.pipe()
    pids = [start(lambda: create_tenant("acme", server=server), gate=gate) for _ in range(2)]
    os.write(opener, b"go")
    assert sorted(map(end, pids)) == [0, REFUSED]
    os.close(gate)
    os.close(opener)
    tenant = Tenant.objects.get()
    assert tenant.state == "active"
    assert len(databases_of(tenant)) == 1


def test_processes_make_different_tenants_at_once(server: DatabaseServer | None, configure: Any) -> None:
    configure(DATABASE_PREFIX=f"{PREFIX}many_")
    pids = [start(lambda alias=alias: create_tenant(alias, server=server)) for alias in ("acme", "bolt", "coil")]  # type: ignore[misc]
    assert [end(pid) for pid in pids] == [0, 0, 0]
    assert all(is_served(alias) for alias in ("acme", "bolt", "coil"))
