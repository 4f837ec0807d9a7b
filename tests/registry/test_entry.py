"""How an entry is completed, and what it never gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant.conf import conf
from multi_tenant.registry.entry import (
    Entry,
    complete_on_public_server,
    complete_on_server,
    complete_own,
    place_of,
)

POSTGRES = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"
PUBLIC_DATABASE = {
    "ENGINE": POSTGRES,
    "NAME": "public-name",
    "HOST": "public-host",
    "PORT": "6543",
    "USER": "public-user",
    "PASSWORD": "public-password",
    "CONN_MAX_AGE": 60,
    "AUTOCOMMIT": True,
    "ATOMIC_REQUESTS": True,
    "TIME_ZONE": None,
    "OPTIONS": {"sslmode": "require", "pool": True, "service": "public-service", "passfile": "/public/pass"},
    "TEST": {"NAME": "public-test", "MIRROR": None},
}
Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(project.DATABASES, "default", PUBLIC_DATABASE)


def test_a_tenants_own_entry_never_gets_what_leads_to_the_public_database() -> None:
    entry = complete_own({"NAME": "own", "HOST": "own-host"})
    assert (entry["NAME"], entry["HOST"], entry["USER"], entry["PASSWORD"]) == ("own", "own-host", "", "")
    assert "public-" not in repr(dict(entry))
    assert "public" not in repr(dict(complete_own({"NAME": "own"})))


def test_it_gets_what_else_the_public_database_has() -> None:
    entry = complete_own({"NAME": "own"})
    assert (entry["ENGINE"], entry["PORT"], entry["CONN_MAX_AGE"]) == (POSTGRES, "6543", 60)
    assert entry["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(("given", "role"), [({"NAME": "x"}, "owner"), ({"NAME": "x", "USER": "one"}, None)])
def test_a_login_of_its_own_does_not_become_what_the_servers_becomes(
    given: dict[str, Any], role: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = {**PUBLIC_DATABASE, "OPTIONS": {"assume_role": "owner", "sslmode": "require"}}
    monkeypatch.setitem(project.DATABASES, "default", server)
    for entry in (complete_on_public_server(given), complete_on_server(given, server)):
        assert entry["OPTIONS"].get("assume_role") == role
        assert entry["OPTIONS"]["sslmode"] == "require"


def test_options_and_port_go_to_the_same_engine_alone() -> None:
    entry = complete_own({"ENGINE": SQLITE, "NAME": "own.sqlite3"})
    assert (entry["PORT"], entry["OPTIONS"]) == ("", {})


def test_defaults_stand_between_the_entry_and_the_public_database(configure: Configure) -> None:
    configure(ENTRY_DEFAULTS={"CONN_MAX_AGE": 7, "PORT": "7777", "USER": "default-user"})
    entry = complete_own({"NAME": "own", "PORT": "8888"})
    assert (entry["CONN_MAX_AGE"], entry["PORT"], entry["USER"]) == (7, "8888", "default-user")


def test_defaults_may_name_the_engine(configure: Configure) -> None:
    configure(ENTRY_DEFAULTS={"ENGINE": SQLITE})
    assert complete_own({"NAME": "own.sqlite3"}).vendor == "sqlite"


@pytest.mark.parametrize("atomic", [True, False])
def test_atomic_requests_always_follows_default(
    atomic: bool, monkeypatch: pytest.MonkeyPatch, configure: Configure
) -> None:
    monkeypatch.setitem(project.DATABASES, "default", {**PUBLIC_DATABASE, "ATOMIC_REQUESTS": atomic})
    configure(ENTRY_DEFAULTS={"ATOMIC_REQUESTS": not atomic})
    for entry in (complete_own({"NAME": "own"}), complete_on_public_server({"NAME": "placed"})):
        assert entry["ATOMIC_REQUESTS"] is atomic


def test_on_the_public_server_its_login_is_used() -> None:
    entry = complete_on_public_server({"NAME": "placed"})
    assert (entry["HOST"], entry["USER"], entry["NAME"]) == ("public-host", "public-user", "placed")
    own_login = complete_on_public_server({"NAME": "placed", "USER": "own", "PASSWORD": "own"})
    assert (own_login["USER"], own_login["PASSWORD"]) == ("own", "own")


def test_on_a_server_of_the_registry_its_login_is_used() -> None:
    entry = complete_on_server({"NAME": "placed"}, {"HOST": "server", "USER": "admin", "PASSWORD": "secret"})
    assert (entry["HOST"], entry["USER"], entry["PASSWORD"]) == ("server", "admin", "secret")
    assert "public-" not in repr(dict(entry))


def test_no_pool_and_no_test_database_come_along() -> None:
    for entry in (complete_own({"NAME": "own"}), complete_on_public_server({"NAME": "placed"})):
        assert "pool" not in entry["OPTIONS"]
        assert entry["TEST"]["NAME"] is None


def test_every_key_that_django_reads_is_there() -> None:
    wanted = {"ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "TIME_ZONE", "CONN_MAX_AGE", "OPTIONS"}
    wanted |= {"CONN_HEALTH_CHECKS", "AUTOCOMMIT", "ATOMIC_REQUESTS", "TEST"}
    assert wanted <= complete_own({"NAME": "own"}).keys()


def test_a_relative_file_stands_under_the_directory(configure: Configure, tmp_path: Path) -> None:
    configure(SQLITE_DIR=tmp_path)
    assert complete_own({"ENGINE": SQLITE, "NAME": "a.sqlite3"})["NAME"] == str(tmp_path / "a.sqlite3")
    assert tmp_path == conf.SQLITE_DIR


def test_completing_changes_nothing_that_is_given() -> None:
    given = {"NAME": "own", "OPTIONS": {"sslmode": "disable"}}
    complete_own(given)["OPTIONS"]["sslmode"] = "changed"
    assert given == {"NAME": "own", "OPTIONS": {"sslmode": "disable"}}
    assert PUBLIC_DATABASE["OPTIONS"]["sslmode"] == "require"  # type: ignore[index]  # a dict of dicts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"HOST": "localhost"}, {"HOST": "127.0.0.1"}),
        ({"HOST": ""}, {"HOST": "::1"}),
        ({"HOST": "DB.example."}, {"HOST": "db.example"}),
        ({"PORT": ""}, {"PORT": "5432"}),
        ({"PORT": 5432}, {"PORT": "05432"}),
        ({"USER": "one"}, {"USER": "other"}),
    ],
)
def test_one_database_has_one_location(one: dict[str, Any], other: dict[str, Any]) -> None:
    base = {"ENGINE": POSTGRES, "NAME": "x", "HOST": "db.example" if "HOST" not in one else "", "PORT": ""}
    assert Entry({**base, **one}).location == Entry({**base, **other}).location


@pytest.mark.parametrize("change", [{"NAME": "y"}, {"HOST": "other"}, {"PORT": "5433"}, {"ENGINE": SQLITE}])
def test_different_databases_have_different_locations(change: dict[str, Any]) -> None:
    base = {"ENGINE": POSTGRES, "NAME": "x", "HOST": "db.example", "PORT": ""}
    assert Entry(base).location != Entry({**base, **change}).location


def test_a_link_is_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    one, other = (Entry({"ENGINE": SQLITE, "NAME": str(tmp_path / name)}) for name in ("file", "link"))
    assert place_of(one) == place_of(other)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_a_generation_is_the_same_for_equal_entries_alone(values: dict[str, str]) -> None:
    assert Entry(values).generation == Entry(dict(reversed(list(values.items())))).generation
    assert Entry(values).generation != Entry({**values, "PASSWORD": "another one"}).generation
    assert "another" not in repr(Entry({**values, "PASSWORD": "another one", "ENGINE": ""}))
