"""Bad input is refused with a clear error, and nothing is changed."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.db import connections, transaction

from multi_tenant import MultiTenantError, ProvisioningError
from multi_tenant.exceptions import (
    DatabaseExistsError,
    InvalidAliasError,
    InvalidEntryError,
    TenantConnectionError,
)
from multi_tenant.lifecycle import adopt, create_tenant, delete, resume, suspend
from multi_tenant.lifecycle.placement import own_engine, public_engine
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.hosts import InvalidHostError
from multi_tenant.registry.models import DatabaseServer, Tenant
from tests.lifecycle.conftest import PREFIX, World

ALIASES: list[Any] = [
    "",
    "a'b",
    "a;b",
    "..",
    "a/../b",
    "ünï",
    "a" * 49,
    "a" * 64,
    "Acme",
    "1a",
    "a_b",
    "a b",
    "a\n",
    "-a",
    None,
]
RESERVED = ["public", "default", "template", "all", "settings", "databases", "cvar"]


def test_a_bad_alias_is_refused(world: World) -> None:
    before = world()
    for alias in [*ALIASES, *RESERVED]:
        with pytest.raises(InvalidAliasError):
            create_tenant(alias)
        with pytest.raises(InvalidAliasError):
            adopt(alias, entry={"NAME": "x"})
    assert world() == before


def test_a_taken_alias_is_refused(world: World) -> None:
    create_tenant("acme")
    before = world()
    with pytest.raises(InvalidAliasError, match="already"):
        create_tenant("acme", domains=["new.example"])
    assert world() == before


def test_the_alias_of_a_suspended_tenant_is_refused(world: World) -> None:
    create_tenant("acme")
    suspend("acme")
    with pytest.raises(InvalidAliasError, match="suspended"):
        create_tenant("acme")


def test_the_alias_of_a_deleted_tenant_is_refused(world: World) -> None:
    create_tenant("acme")
    delete("acme", force=True)
    before = world()
    with pytest.raises(InvalidAliasError, match="purge"):
        create_tenant("acme")
    assert world() == before


def test_a_malformed_domain_is_refused(world: World) -> None:
    before = world()
    for host in ("", "a b", "a..b", "http://a.example", "a.example/x", "-a.example", "a" * 64, "'"):
        with pytest.raises(InvalidHostError):
            create_tenant("acme", domains=["good.example", host])
    assert world() == before


def test_a_name_that_is_too_long_changes_nothing(world: World) -> None:
    before = world()
    with pytest.raises(ProvisioningError, match="200 characters"):
        create_tenant("acme", name="x" * 201)
    assert world() == before


def test_one_text_is_no_list_of_domains(world: World) -> None:
    with pytest.raises(InvalidHostError):
        create_tenant("acme", domains="acme.example")


def test_a_taken_domain_is_refused_in_any_spelling(world: World) -> None:
    create_tenant("acme", domains=["shop.example"])
    before = world()
    with pytest.raises(ProvisioningError, match="another tenant"):
        create_tenant("bolt", domains=["free.example", "SHOP.example.:443"])
    assert world() == before


@pytest.mark.parametrize("host", ["example.com", "EXAMPLE.com.:443", "xn--bcher-kva.example"])
def test_a_host_of_the_public_site_is_refused_in_any_spelling(world: World, configure: Any, host: str) -> None:
    configure(PUBLIC_HOSTS=["Example.com", "b\u00fccher.example:8000", ".example.net"])
    with pytest.raises(ProvisioningError, match="public site"):
        create_tenant("acme", domains=[host])


def test_a_host_below_the_public_sites_is_free(world: World, configure: Any) -> None:
    """The control."""
    configure(PUBLIC_HOSTS=["example.com", ".example.net", "*"])
    assert create_tenant("acme", domains=["acme.example.net"]).state == "active"


def test_an_unknown_server_is_refused(world: World) -> None:
    before = world()
    with pytest.raises(ProvisioningError, match="no database server"):
        create_tenant("acme", server="nowhere")
    assert world() == before


def test_a_server_that_takes_no_tenants_is_refused(postgres: DatabaseServer, world: World) -> None:
    postgres.accepts_tenants = False
    postgres.save()
    before = world()
    with pytest.raises(ProvisioningError, match="accepts no new tenants"):
        create_tenant("acme", server=postgres)
    assert world() == before


def test_an_entry_and_a_server_are_one_too_many(postgres: DatabaseServer, own: dict[str, Any], world: World) -> None:
    before = world()
    with pytest.raises(InvalidEntryError):
        create_tenant("acme", server=postgres, entry=own)
    assert world() == before


def test_a_database_that_exists_is_not_touched(own: dict[str, Any], world: World) -> None:
    own_engine(complete_own(own), alias="x").create(complete_own(own)["NAME"])
    before = world()
    with pytest.raises(DatabaseExistsError, match="adopt_tenant"):
        create_tenant("acme", entry=own)
    assert world() == before


def test_a_generated_name_that_exists_is_not_touched(
    server: DatabaseServer | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = type(public_engine("x")) if server is None else None
    taken = Tenant(alias="acme")
    monkeypatch.setattr("multi_tenant.lifecycle.provision.tenant_to_make", lambda alias: taken)
    from multi_tenant.lifecycle.placement import engine_for, place

    place(taken, server=server, entry=None)
    engine_for(taken).create(engine_for(taken).name_for("acme", taken.pk))
    before = world()
    with pytest.raises(DatabaseExistsError):
        create_tenant("acme", server=server)
    assert world() == before
    assert engine is None or taken.placement == "public"


def test_a_wrong_password_changes_nothing(own_postgres: dict[str, Any], world: World) -> None:
    before = world()
    with pytest.raises(TenantConnectionError, match="login is refused"):
        create_tenant("acme", entry={**own_postgres, "PASSWORD": "wrong"})
    assert world() == before


def test_an_unreachable_server_changes_nothing(own_postgres: dict[str, Any], world: World) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    before = world()
    with pytest.raises(TenantConnectionError, match="cannot be reached"):
        create_tenant("acme", entry={**own_postgres, "PORT": str(port)})
    assert world() == before


def test_a_login_that_may_not_create_databases_changes_nothing(own_postgres: dict[str, Any], world: World) -> None:
    engine: Any = own_engine(complete_own(own_postgres), alias="x")
    with engine._connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {PREFIX}poor LOGIN PASSWORD 'poor'")
        try:
            before = world()
            with pytest.raises(ProvisioningError, match="CREATEDB"):
                create_tenant("acme", entry={**own_postgres, "USER": f"{PREFIX}poor", "PASSWORD": "poor"})
            assert world() == before
        finally:
            cursor.execute(f"DROP ROLE {PREFIX}poor")


BAD_ENTRIES: list[Any] = [
    "no dict",
    {"OPTIONS": {"service": "x"}},
    {"OPTIONS": {"passfile": "/etc/passwd"}},
    {"OPTIONS": {"sslkey": "/etc/key"}},
    {"TEST": {}},
    {"ATOMIC_REQUESTS": True},
    {"ENGINE": "os"},
    {"PORT": "1,2"},
    {"HOST": ""},
    {"HOST": "/run/postgresql"},
    {"HOST": "127.0.0.2"},
    {"HOST": "169.254.1.1"},
    {"NAME": "a=b"},
    {"NAME": "x" * 64},
    {"NAME": "a\0b"},
]


def test_an_entry_that_breaks_a_rule_changes_nothing(own_postgres: dict[str, Any], world: World) -> None:
    before = world()
    for change in BAD_ENTRIES:
        with pytest.raises(InvalidEntryError):
            create_tenant("acme", entry={**own_postgres, **change} if isinstance(change, dict) else change)
    assert world() == before


def test_a_file_elsewhere_changes_nothing(own_sqlite: dict[str, Any], world: World) -> None:
    before = world()
    for name in ("../x.sqlite3", "/etc/x.sqlite3", ":memory:", "."):
        with pytest.raises(InvalidEntryError):
            create_tenant("acme", entry={**own_sqlite, "NAME": name})
    assert world() == before


def test_the_name_of_a_template_is_refused(own: dict[str, Any], world: World) -> None:
    before = world()
    for call in (create_tenant, adopt):
        with pytest.raises(InvalidEntryError, match="templates"):
            call("acme", entry={**own, "NAME": f"{PREFIX}template_0123"})
    assert world() == before


def test_the_servers_own_databases_are_not_adopted(postgres: DatabaseServer, world: World) -> None:
    before = world()
    for name in ("postgres", "template1"):
        with pytest.raises(InvalidEntryError):
            adopt("acme", entry={"NAME": name}, server=postgres)
    assert world() == before


def test_the_database_of_another_tenant_is_refused(own: dict[str, Any], world: World) -> None:
    create_tenant("acme", entry=own)
    before = world()
    with pytest.raises(ProvisioningError, match="another tenant"):
        create_tenant("bolt", entry=own)
    assert world() == before


CALLS = [
    lambda: create_tenant("bolt"),
    lambda: adopt("bolt", entry={"NAME": "x"}),
    lambda: suspend("acme"),
    lambda: resume("acme"),
    lambda: delete("acme", force=True),
]


@pytest.mark.parametrize("call", CALLS)
def test_inside_atomic_all_are_refused(call: Any, world: World) -> None:
    create_tenant("acme")
    before = world()
    with transaction.atomic(), pytest.raises(ProvisioningError, match="outside atomic"):
        call()
    assert world() == before


def test_without_autocommit_all_are_refused(world: World) -> None:
    connections["public"].set_autocommit(False)
    try:
        with pytest.raises(ProvisioningError, match="outside atomic"):
            create_tenant("acme")
    finally:
        connections["public"].set_autocommit(True)


def test_every_refusal_is_an_error_of_the_library(world: World) -> None:
    assert issubclass(InvalidHostError, MultiTenantError)
    assert issubclass(DatabaseExistsError, ProvisioningError)
