"""An entry never leads where templates, other files or the public server are."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.models import Tenant
from multi_tenant.registry import rules
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.rules import validate_place
from tests.promises.control import Without, guarded_by

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"


def place_refused(entry: dict[str, Any]) -> str | None:
    """The key for which a place is refused."""
    try:
        validate_place(complete_own(entry))
    except InvalidEntryError as exc:
        return exc.key
    return None


@pytest.fixture
def public_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says that the public database is on a PostgreSQL server of this host; nothing connects to it."""

    def change(host: str) -> None:
        monkeypatch.setattr(type(conf), "public_database", {"ENGINE": POSTGRESQL, "NAME": "public", "HOST": host})

    return change


@pytest.fixture
def own_address() -> str:
    """An address of this machine, as others see it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("This machine has no address but its loopback.")
        return str(probe.getsockname()[0])


@guarded_by(Without(rules, "refuse_reserved"))
def test_a_template_is_no_tenants_database() -> None:
    name = f"{conf.DATABASE_PREFIX}template_0123456789abcdef"
    assert place_refused({"ENGINE": SQLITE, "NAME": f"{name}.sqlite3"}) == "NAME"
    assert place_refused({"ENGINE": POSTGRESQL, "NAME": name, "HOST": "203.0.113.5"}) == "NAME"


@pytest.mark.parametrize("name", [".lock-0", ".acme.sqlite3.draft", "acme.sqlite3-wal", "a.db-journal", "sub/.hidden"])
def test_files_beside_databases_are_none(name: str) -> None:
    assert place_refused({"ENGINE": SQLITE, "NAME": name}) == "NAME"


@pytest.mark.parametrize("name", ["acme.sqlite3", "sub/acme.db", "tenant_acme.sqlite3"])
def test_other_files_may_be(name: str) -> None:
    """The control."""
    assert place_refused({"ENGINE": SQLITE, "NAME": name}) is None


@pytest.mark.parametrize("public", ["localhost", "", "/var/run/postgresql"])
@guarded_by(Without(rules, "is_own", lambda address: False))
def test_this_machine_is_the_public_server_if_that_is_local(public: str, public_on: Any, own_address: str) -> None:
    public_on(public)
    assert place_refused({"ENGINE": POSTGRESQL, "NAME": "acme", "HOST": own_address}) == "HOST"


def test_each_of_several_public_servers_is_one(public_on: Any) -> None:
    public_on("203.0.113.5,203.0.113.6")
    assert place_refused({"ENGINE": POSTGRESQL, "NAME": "acme", "HOST": "203.0.113.6"}) == "HOST"
    assert place_refused({"ENGINE": POSTGRESQL, "NAME": "acme", "HOST": "203.0.113.7"}) is None


@guarded_by(Without(rules, "is_own", lambda address: False))
def test_an_address_of_this_machine_is_told(own_address: str) -> None:
    assert rules.is_own(own_address)
    assert not rules.is_own("203.0.113.5")


@pytest.mark.parametrize("placement", ["public", "server"])
def test_a_forged_placement_does_not_send_the_public_password_to_a_tenants_host(placement: str) -> None:
    database: Any = {"NAME": "acme", "HOST": "db.tenant.example"}
    with pytest.raises(InvalidEntryError):
        Tenant(alias="acme", database=database, placement=placement).entry()
