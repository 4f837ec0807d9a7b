"""Other settings for a tenant's own server are tried before they are stored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from multi_tenant.conf import conf
from multi_tenant.context import tenant_context
from multi_tenant.contrib.admin import entries
from multi_tenant.contrib.admin.entries import replace_entry
from multi_tenant.exceptions import ProvisioningError, TenantConnectionError, WrongDatabaseError
from multi_tenant.lifecycle import create_tenant
from multi_tenant.models import Tenant
from multi_tenant.registry.entry import Entry
from multi_tenant.routing.owner import retire
from tests.fleets import leftovers as leftovers
from tests.fleets import registry as registry
from tests.promises.control import Without, guarded_by
from tests.testapp.library.models import Author

SQLITE = "django.db.backends.sqlite3"


@pytest.fixture
def own(registry: None) -> Iterator[Any]:
    """A tenant with a file of its own."""
    tenant = create_tenant("acme", entry={"ENGINE": SQLITE, "NAME": "acme-own.sqlite3"})
    retire("acme")
    yield tenant
    for file in conf.SQLITE_DIR.glob("acme-own*"):
        file.unlink()


def entry(name: str) -> Entry:
    return Entry({"ENGINE": SQLITE, "NAME": name})


def test_a_database_that_was_moved_is_found_again(own: Any) -> None:
    shutil.copy(conf.SQLITE_DIR / "acme-own.sqlite3", conf.SQLITE_DIR / "acme-own-moved.sqlite3")
    replace_entry("acme", entry("acme-own-moved.sqlite3"))
    assert Tenant.objects.get().database == entry("acme-own-moved.sqlite3")
    with tenant_context("acme"):
        assert not Author.objects.exists()


@guarded_by(Without(entries, "check_marked"))
def test_an_entry_that_leads_nowhere_is_not_stored(own: Any) -> None:
    (conf.SQLITE_DIR / "acme-own-empty.sqlite3").touch()
    for name, error in (("acme-own-none", TenantConnectionError), ("acme-own-empty", WrongDatabaseError)):
        with pytest.raises(error):
            replace_entry("acme", entry(f"{name}.sqlite3"))
    assert not (conf.SQLITE_DIR / "acme-own-none.sqlite3").exists()
    assert Tenant.objects.get().database == own.database


def test_another_tenants_database_is_refused(own: Any) -> None:
    create_tenant("bolt", entry=entry("acme-own-bolt.sqlite3"))
    retire("bolt")
    with pytest.raises(ProvisioningError, match="another tenant's"):
        replace_entry("acme", entry("acme-own-bolt.sqlite3"))


def test_a_tenant_that_is_placed_keeps_what_its_place_gave_it(registry: None) -> None:
    create_tenant("acme")
    retire("acme")
    with pytest.raises(ProvisioningError, match="rotate_tenant_logins"):
        replace_entry("acme", Entry({"ENGINE": SQLITE, "NAME": "acme-own.sqlite3"}))
