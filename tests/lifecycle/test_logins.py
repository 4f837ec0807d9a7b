"""Each tenant on a server of the deployment's is served with a login of its own, which can be rotated."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.views.debug import ExceptionReporter

from multi_tenant import ProvisioningError, tenant_context
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.fleet.logins import drop_each
from multi_tenant.fleet.selection import named
from multi_tenant.lifecycle import adopt, create_tenant, delete, drop_former_logins, logins, rotate_login, steps
from multi_tenant.lifecycle import provision as provisioning
from multi_tenant.lifecycle.placement import engine_for
from multi_tenant.registry.models import AbstractTenant, DatabaseServer, Tenant
from multi_tenant.routing.wrapper import TenantConnection
from tests.lifecycle.conftest import PREFIX, World
from tests.lifecycle.forks import end, killed, start
from tests.lifecycle.places import run
from tests.testapp.library.models import Author

LOGINS = 3  # where world() has them
#: Not written out, as reports show the lines around each frame's.
SECRET = "".join(reversed("2retnuh2retnuh"))


def login() -> str:
    """Who the active tenant's connection is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def logins_of(tenant: AbstractTenant) -> set[str]:
    engine = engine_for(tenant)
    return set(engine.logins(engine.login_stem(tenant.alias, tenant.pk)))


def test_a_plain_owner_makes_serves_migrates_rotates_and_deletes(maker_server: DatabaseServer, world: World) -> None:
    before = world()
    tenant = create_tenant("acme", server=maker_server)
    with tenant_context("acme"):
        assert login() == tenant.database["USER"]
        call_command("migrate", "library", "zero", verbosity=0)
        call_command("migrate", verbosity=0)
        Author.objects.create(name="first")
        call_command("flush", interactive=False, verbosity=0)
        rotated = rotate_login("acme")
        assert login() == rotated.database["USER"] != tenant.database["USER"]
        assert Author.objects.count() == 0
    assert drop_former_logins("acme") == []
    with tenant_context("acme"):
        assert Author.objects.count() == 0
        delete("acme", force=True)  # with a session of the tenant's own login open
    assert world()[2 : LOGINS + 1] == before[2 : LOGINS + 1]


def test_a_login_that_may_not_make_logins_is_refused_and_leaves_nothing(
    plain_server: DatabaseServer, world: World
) -> None:
    before = world()
    with pytest.raises(ProvisioningError, match=r"CREATEROLE.+TENANT_LOGINS") as refused:
        create_tenant("acme", server=plain_server)
    assert refused.value.step == "login"
    assert world() == before


def test_a_login_that_the_server_does_not_admit_leaves_nothing(
    postgres: DatabaseServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(engine: Any, tenant: AbstractTenant) -> None:
        make(engine, tenant)
        run(postgres.credentials, f"ALTER ROLE {connection.ops.quote_name(tenant.database['USER'])} NOLOGIN")

    make = logins.make_login
    before = world()
    monkeypatch.setattr(steps, "make_login", spoil)
    with pytest.raises(ProvisioningError, match=r"pg_hba\.conf.+TENANT_LOGINS"):
        create_tenant("acme", server=postgres)
    assert world() == before


def test_an_adopted_database_gets_a_login_and_is_closed_to_others(postgres: DatabaseServer, world: World) -> None:
    name = f"{PREFIX}legacy"
    other = create_tenant("other", server=postgres)
    engine_for(other).create(name)
    run({**postgres.credentials, "NAME": name}, "CREATE TABLE somebodys (id integer)")
    before = world()
    tenant = adopt("acme", entry={"NAME": name}, server=postgres)
    with tenant_context("acme"), connection.cursor() as cursor:
        assert login() == tenant.database["USER"]
        cursor.execute("INSERT INTO somebodys VALUES (1)")
    with pytest.raises(TenantConnectionError, match="may not connect"):
        run({**postgres.credentials, **other.database, "NAME": name}, "SELECT 1")
    delete("acme", force=True, archive=False)
    assert world()[2 : LOGINS + 1] == before[2 : LOGINS + 1]


def test_an_adoption_that_fails_leaves_no_login(
    postgres: DatabaseServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(attempt: Any) -> None:
        raise ZeroDivisionError

    name = f"{PREFIX}legacy"
    engine_for(Tenant(alias="x", placement="server", server=postgres)).create(name)
    before = world()
    monkeypatch.setattr(provisioning, "STEPS", (*provisioning.STEPS[:2], ("schema", broken)))
    with pytest.raises(ZeroDivisionError):
        adopt("acme", entry={"NAME": name}, server=postgres)
    assert world() == before


def test_a_tenant_made_without_gets_its_first_login_by_rotation(postgres: DatabaseServer, configure: Any) -> None:
    configure(TENANT_LOGINS=False)
    create_tenant("acme", server=postgres)
    with tenant_context("acme"):
        assert login() == postgres.credentials["USER"]
        Author.objects.create(name="first")
        with pytest.raises(ProvisioningError, match="no login of its own"):
            rotate_login("acme")
        configure(TENANT_LOGINS=True)
        tenant = rotate_login("acme")
        assert login() == tenant.database["USER"] != postgres.credentials["USER"]
        assert Author.objects.get().name == "first"


@pytest.mark.parametrize("point", ["call admit", "call create_login", "return create_login", "call activate"])
def test_a_killed_attempt_leaves_no_login_too_many(point: str, postgres: DatabaseServer) -> None:
    killed(lambda: create_tenant("acme", server=postgres), at=point)
    tenant = create_tenant("acme", server="postgres")
    assert logins_of(tenant) == {tenant.database["USER"]}
    killed(lambda: delete("acme", force=True, archive=False), at="return drop_logins")
    delete("acme")
    assert logins_of(tenant) == set()


@pytest.mark.parametrize("point", ["call create_login", "return create_login", "return rotate_login"])
def test_a_rotation_that_is_killed_is_taken_up_again(point: str, postgres: DatabaseServer) -> None:
    first = create_tenant("acme", server=postgres).database["USER"]
    killed(lambda: rotate_login("acme"), at=point)
    with tenant_context("acme"):
        assert Author.objects.count() == 0
    tenant = rotate_login("acme")
    killed(lambda: drop_former_logins("acme", silent_for=0), at="return drop_login")
    assert drop_former_logins("acme", silent_for=0) == []
    assert logins_of(tenant) == {tenant.database["USER"]} != {first}
    with tenant_context("acme"):
        assert Author.objects.count() == 0


def test_a_rotation_breaks_no_transaction_and_no_request(postgres: DatabaseServer, configure: Any) -> None:
    configure(REGISTRY_TTL=0.1)
    create_tenant("acme", server=postgres)
    begun, finish, stop = threading.Event(), threading.Event(), threading.Event()
    written: list[str] = []

    def write_slowly() -> None:
        with tenant_context("acme"), transaction.atomic():
            Author.objects.create(name="slow")
            begun.set()
            assert finish.wait(300)
        written.append("slow")

    def write_again_and_again() -> None:
        while not stop.is_set():
            with tenant_context("acme"):
                Author.objects.create(name="quick")
            written.append("quick")

    with Crowd([write_slowly, *[write_again_and_again] * 2]) as crowd:
        assert begun.wait(300)
        for _ in range(2):
            rotate_login("acme")
            [outcome] = drop_each(named(["acme"]), silent_for=60, wait=0)
            assert outcome.value is not None
            assert len(outcome.value) >= 1  # the slow one's
        finish.set()
        [outcome] = drop_each(named(["acme"]), silent_for=60, wait=300)
        assert outcome.value == []
        seen = len(written)
        assert crowd.until(lambda: len(written) > seen + 10)
        stop.set()
    assert crowd.errors == []
    with tenant_context("acme"):
        assert Author.objects.count() == len(written)
    assert len(logins_of(Tenant.objects.get())) == 1


class Crowd:
    """Threads that work until the block ends, and the errors that they met."""

    def __init__(self, works: list[Callable[[], None]]) -> None:
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self.run, args=[work]) for work in works]

    def run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as exc:  # noqa: BLE001  # the test looks at it
            self.errors.append(exc)
        finally:
            connections.close_all()

    def until(self, met: Callable[[], bool]) -> bool:
        """Wait for a condition, or for an error."""
        while not met() and not self.errors:
            threading.Event().wait(0.01)
        return met()

    def __enter__(self) -> Crowd:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("asks_anew", [True, False])
def test_a_refused_login_makes_a_process_ask_anew(
    asks_anew: bool, postgres: DatabaseServer, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(REGISTRY_TTL=3600)
    create_tenant("acme", server=postgres)
    with tenant_context("acme"):
        former = login()
    assert end(start(lambda: (rotate_login("acme"), drop_former_logins("acme", silent_for=0)))) == 0
    if not asks_anew:
        monkeypatch.setattr(TenantConnection, "_take_new_entry", lambda self: False)
    with tenant_context("acme"):
        if asks_anew:
            assert login() != former
        else:
            with pytest.raises(TenantConnectionError, match="login is refused"):
                login()


def test_no_report_of_a_failed_step_shows_the_password(
    plain_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multi_tenant.lifecycle.logins.secrets.token_urlsafe", lambda size: SECRET)
    with pytest.raises(ProvisioningError) as caught:
        create_tenant("acme", server=plain_server)
    report = str(ExceptionReporter(None, caught.type, caught.value, caught.tb).get_traceback_html())
    assert "create_login" in report
    assert SECRET not in report


def test_the_server_is_sent_a_verifier(postgres: DatabaseServer) -> None:
    tenant = create_tenant("acme", server=postgres)
    [[stored]] = run(
        postgres.credentials, f"SELECT rolpassword FROM pg_authid WHERE rolname = '{tenant.database['USER']}'"
    )
    assert stored.startswith("SCRAM-SHA-256$")


@pytest.mark.parametrize("server", ["postgres", "mariadb"], indirect=True)
def test_the_command_rotates_and_tells(server: DatabaseServer, configure: Any, capsys: Any) -> None:
    configure(REGISTRY_TTL=0.1)
    former = create_tenant("acme", server=server).database["USER"]
    call_command("rotate_tenant_logins", "acme", "--json")
    assert json.loads(capsys.readouterr().out) == {"rotated": ["acme"], "left": [], "failed": {}}
    tenant = Tenant.objects.get()
    assert logins_of(tenant) == {tenant.database["USER"]} != {former}


def test_the_command_tells_what_is_left_and_finishes_later(
    postgres: DatabaseServer, configure: Any, capsys: Any
) -> None:
    configure(REGISTRY_TTL=0.1)
    create_tenant("acme", server=postgres)
    former = connections["acme"].copy()
    former.set_autocommit(False)
    with tenant_context("acme"), former.cursor() as cursor:
        cursor.execute("SELECT 1")
        with pytest.raises(CommandError, match=r"still in use: acme.+--finish"):
            call_command("rotate_tenant_logins", "--all", "--wait=0")
    former.close()
    call_command("rotate_tenant_logins", "--all", "--finish", "--silence=0")
    assert capsys.readouterr().out.endswith("0 logins renewed.\n")
    assert len(logins_of(Tenant.objects.get())) == 1


def test_the_command_fails_for_a_tenant_without_logins(registry: None, configure: Any) -> None:
    configure(REGISTRY_TTL=0, TENANT_LOGINS=False)
    create_tenant("acme")
    with pytest.raises(CommandError, match="Failed for 1 of 1 tenants: acme"):
        call_command("rotate_tenant_logins", "acme")
    with pytest.raises(CommandError, match="--all"):
        call_command("rotate_tenant_logins")


def test_a_command_may_be_run_as_the_owner(postgres: DatabaseServer, capsys: Any) -> None:
    tenant = create_tenant("acme", server=postgres)
    code = "from django.db import connection as c; c.ensure_connection(); print(c.settings_dict['USER'])"
    for option, user in (([], tenant.database["USER"]), (["--owner"], postgres.credentials["USER"])):
        call_command("tenant_command", "acme", *option, "--", "shell", "-c", code, "-v", "0")
        assert capsys.readouterr().out.split()[-1] == user
