"""Each rule for entries, with an entry that keeps it and one that breaks it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.models import Tenant
from multi_tenant.registry import rules
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.rules import validate_keys, validate_place

POSTGRES = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"
MYSQL = "django.db.backends.mysql"
needs_driver = pytest.mark.skipif(find_spec("psycopg") is None, reason="PostgreSQL's driver is not installed")
SECRET = "the-given-value"
Configure = Callable[..., None]


@pytest.fixture
def public_on_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    public = {"ENGINE": POSTGRES, "NAME": "public", "HOST": "public.example", "PORT": ""}
    monkeypatch.setitem(project.DATABASES, "default", public)


def check(entry: Any) -> None:
    validate_keys(entry)
    validate_place(complete_own(entry), resolve=False)


def refusal(entry: Any) -> InvalidEntryError:
    with pytest.raises(InvalidEntryError) as caught:
        check(entry)
    return caught.value


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"ENGINE": "django.db.backends.dummy"}, "ENGINE"),
        ({"ENGINE": "os"}, "ENGINE"),
        ({"ENGINE": 7}, "ENGINE"),
        ({"ATOMIC_REQUESTS": True}, "ATOMIC_REQUESTS"),
        ({"AUTOCOMMIT": False}, "AUTOCOMMIT"),
        ({"TEST": {}}, "TEST"),
        ({"name": "lower"}, "name"),
        ({"OPTIONS": {"service": SECRET}}, "OPTIONS.service"),
        ({"OPTIONS": {"passfile": SECRET}}, "OPTIONS.passfile"),
        ({"OPTIONS": {"sslkey": SECRET}}, "OPTIONS.sslkey"),
        ({"OPTIONS": {"sslcert": SECRET}}, "OPTIONS.sslcert"),
        ({"OPTIONS": {"sslrootcert": SECRET}}, "OPTIONS.sslrootcert"),
        ({"OPTIONS": {"hostaddr": SECRET}}, "OPTIONS.hostaddr"),
        ({"OPTIONS": {"host": SECRET}}, "OPTIONS.host"),
        ({"OPTIONS": {"dbname": SECRET}}, "OPTIONS.dbname"),
        ({"OPTIONS": {"options": SECRET}}, "OPTIONS.options"),
        ({"OPTIONS": {"pool": True}}, "OPTIONS.pool"),
        ({"OPTIONS": {"assume_role": SECRET}}, "OPTIONS.assume_role"),
        ({"ENGINE": MYSQL, "OPTIONS": {"init_command": SECRET}}, "OPTIONS.init_command"),
        ({"ENGINE": MYSQL, "OPTIONS": {"read_default_file": SECRET}}, "OPTIONS.read_default_file"),
        ({"ENGINE": MYSQL, "OPTIONS": {"local_infile": True}}, "OPTIONS.local_infile"),
        ({"ENGINE": MYSQL, "OPTIONS": {"unix_socket": SECRET}}, "OPTIONS.unix_socket"),
        ({"ENGINE": SQLITE, "OPTIONS": {"init_command": SECRET}}, "OPTIONS.init_command"),
        ({"ENGINE": SQLITE, "OPTIONS": {"factory": SECRET}}, "OPTIONS.factory"),
        ({"OPTIONS": []}, "OPTIONS"),
        ({"OPTIONS": {"sslmode": [SECRET]}}, "OPTIONS.sslmode"),
        ({"NAME": ["x"]}, "NAME"),
        ({"NAME": "a\0b"}, "NAME"),
        ({"PASSWORD": 7}, "PASSWORD"),
        ({"PORT": "70000"}, "PORT"),
        ({"PORT": "5432,5433"}, "PORT"),
        ({"PORT": "x"}, "PORT"),
    ],
)
def test_a_key_or_option_that_is_not_listed_is_refused(
    change: dict[str, Any], key: str, configure: Configure, public_on_postgres: None
) -> None:
    error = refusal({"ENGINE": POSTGRES, "NAME": "x", "HOST": "db.example", **change})
    assert error.key == key
    assert SECRET not in str(error)


def test_an_engine_without_its_driver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(engine: str) -> Any:
        raise ImproperlyConfigured("Error loading MySQLdb module.")

    monkeypatch.setattr(rules, "load_backend", missing)
    error = refusal({"ENGINE": MYSQL, "NAME": "x", "HOST": "db.example"})
    assert error.key == "ENGINE"
    assert "Install the driver" in str(error)


def test_an_engine_that_entries_get_by_default_needs_its_driver_too(
    monkeypatch: pytest.MonkeyPatch, configure: Configure
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(rules, "load_backend", asked.append)
    configure(ENTRY_DEFAULTS={"ENGINE": MYSQL})
    validate_keys({"NAME": "x", "HOST": "db.example"})
    assert asked == [MYSQL]


@pytest.mark.parametrize("entry", [None, "x", [], 7])
def test_what_is_no_dict_is_refused(entry: Any) -> None:
    with pytest.raises(InvalidEntryError, match="is a dict"):
        validate_keys(entry)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "/var/run/postgresql",
        "@socket",
        "localhost",
        "LOCALHOST.",
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "127.8.9.10",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "fe80::1",
        "224.0.0.1",
        "db.example,localhost",
        "db.example /tmp",
        "public.example",
        "PUBLIC.example.",
    ],
)
@needs_driver
def test_a_host_of_the_deployments_own_is_refused(host: str, public_on_postgres: None) -> None:
    assert refusal({"NAME": "x", "HOST": host}).key == "HOST"


@needs_driver
@pytest.mark.parametrize("host", ["db.example", "192.0.2.1", "10.0.0.5", "2001:db8::1"])
def test_another_host_is_fine(host: str, public_on_postgres: None) -> None:
    check({"NAME": "x", "HOST": host})


@needs_driver
@pytest.mark.parametrize("host", ["", "/var/run/postgresql", "127.0.0.1", "public.example"])
def test_a_listed_host_is_fine(host: str, public_on_postgres: None, configure: Configure) -> None:
    configure(ENTRY_HOSTS=[host])
    check({"NAME": "x", "HOST": host})


@needs_driver
@pytest.mark.parametrize("port", ["", "5432", 5432, "05432"])
def test_the_public_database_is_refused_though_its_host_is_listed(
    port: Any, public_on_postgres: None, configure: Configure
) -> None:
    configure(ENTRY_HOSTS=["public.example"])
    assert refusal({"NAME": "public", "HOST": "public.example", "PORT": port}).key in {"NAME", "PORT"}


@needs_driver
@pytest.mark.parametrize("name", ["", "a=b", "postgresql://x", "x" * 64, "ä" * 32])
def test_a_name_that_is_no_plain_name_is_refused(name: str, public_on_postgres: None) -> None:
    assert refusal({"NAME": name, "HOST": "db.example"}).key == "NAME"


@pytest.fixture
def directory(configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SQLITE_DIR, with the public file outside of it."""
    inside = tmp_path / "tenants"
    inside.mkdir()
    public = tmp_path / "public.sqlite3"
    public.touch()
    monkeypatch.setitem(project.DATABASES, "default", {"ENGINE": SQLITE, "NAME": str(public)})
    configure(SQLITE_DIR=inside)
    return inside


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../public.sqlite3",
        "../other.sqlite3",
        "/etc/passwd",
        ":memory:",
        "file:x?mode=memory",
        "x?mode=memory",
        "a/../../public.sqlite3",
    ],
)
def test_a_file_outside_of_the_directory_is_refused(name: str, directory: Path) -> None:
    assert refusal({"ENGINE": SQLITE, "NAME": name}).key == "NAME"


def test_a_link_out_of_the_directory_is_refused(directory: Path) -> None:
    (directory / "link.sqlite3").symlink_to(directory.parent / "other.sqlite3")
    assert refusal({"ENGINE": SQLITE, "NAME": "link.sqlite3"}).key == "NAME"


def test_the_public_file_is_refused_under_any_name(directory: Path) -> None:
    os.link(directory.parent / "public.sqlite3", directory / "hard.sqlite3")
    assert refusal({"ENGINE": SQLITE, "NAME": "hard.sqlite3"}).key == "NAME"


def test_a_file_in_the_directory_is_fine(directory: Path) -> None:
    check({"ENGINE": SQLITE, "NAME": "acme.sqlite3", "OPTIONS": {"timeout": 3}})
    check({"ENGINE": SQLITE, "NAME": "deep/er/acme.sqlite3"})


def test_the_rules_are_asked_at_each_use(directory: Path) -> None:
    row = Tenant(alias="acme", placement="own", database={"ENGINE": SQLITE, "NAME": "acme.sqlite3"})
    assert row.entry()["NAME"] == str(directory / "acme.sqlite3")
    (directory / "acme.sqlite3").symlink_to(directory.parent / "public.sqlite3")
    with pytest.raises(InvalidEntryError):
        row.entry()


@given(st.text(max_size=40))
def test_no_text_leads_a_file_out_of_the_directory(name: str) -> None:
    try:
        check({"ENGINE": SQLITE, "NAME": name})
    except (InvalidEntryError, ValueError):
        return
    path = Path(complete_own({"ENGINE": SQLITE, "NAME": name})["NAME"])
    assert path.resolve().is_relative_to(conf.SQLITE_DIR.resolve())
