"""What the page on MySQL and MariaDB says of the login that makes tenants there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from multi_tenant import ProvisioningError, tenant_context
from multi_tenant.lifecycle import create_tenant, delete, rotate_login
from multi_tenant.registry.models import DatabaseServer
from tests.lifecycle.conftest import PREFIX, World
from tests.lifecycle.places import run
from tests.pages import DOCS, blocks_of
from tests.testapp.library.models import Author

MAKER = f"{PREFIX}tenants"
PASSWORD = "made-up"


def statements() -> list[str]:
    """What the page has an administrator type, for the login and the prefix of these tests."""
    [block] = [block for block in blocks_of(DOCS / "howto" / "mysql.md") if block.language == "text"]
    text = block.text.replace("'tenants'", f"'{MAKER}'").replace("'...'", f"'{PASSWORD}'")
    return [line.rstrip(";") for line in text.replace(r"tenant\_%", PREFIX.replace("_", r"\_") + "%").splitlines()]


@pytest.fixture
def typed() -> int:
    """How many of the page's statements are typed."""
    return len(statements())


@pytest.fixture
def maker(mariadb: DatabaseServer, typed: int) -> Iterator[DatabaseServer]:
    """The server by the login of the page."""
    root = {**mariadb.credentials, "NAME": "mysql"}
    run(root, *statements()[:typed])
    rows: Any = DatabaseServer.objects
    yield rows.create(name="maker", credentials={**mariadb.credentials, "USER": MAKER, "PASSWORD": PASSWORD})
    run(root, f"DROP USER '{MAKER}'@'%'")


def test_what_the_page_grants_is_enough_for_a_tenants_life(maker: DatabaseServer, world: World) -> None:
    databases = world()[2]
    create_tenant("acme", server=maker)
    with tenant_context("acme"):
        Author.objects.create(name="first")
    rotate_login("acme")
    with tenant_context("acme"):
        assert Author.objects.count() == 1
    assert delete("acme", force=True).state == "deleted"
    assert world()[2] == databases


@pytest.mark.parametrize("typed", [1, 2])
def test_less_than_the_page_grants_is_refused_and_leaves_nothing(maker: DatabaseServer, world: World) -> None:
    before = world()
    with pytest.raises(ProvisioningError, match="Grant it ALL"):
        create_tenant("acme", server=maker)
    assert world() == before


@pytest.mark.parametrize("typed", [2])
def test_where_tenants_get_no_logins_two_lines_are_enough(maker: DatabaseServer, configure: Any) -> None:
    configure(TENANT_LOGINS=False)
    assert create_tenant("acme", server=maker).state == "active"
    assert delete("acme", force=True).state == "deleted"
