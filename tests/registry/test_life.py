"""An older copy of a tenant's row undoes nothing that became of the tenant since."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError

from multi_tenant.models import Tenant
from multi_tenant.registry.life import LIFE, LifeKept
from tests.promises.control import Without, guarded_by

ALL = frozenset({"name", "state", "step", "error", "fingerprint", "deleted_at"})


def state() -> str:
    return str(Tenant.objects.get().state)


@guarded_by(Without(LifeKept, "fields_to_save", lambda self: ALL))
def test_an_older_copy_does_not_bring_a_tenant_back(acme: Any) -> None:
    copy = Tenant.objects.get()
    Tenant.objects.update(state="suspended")
    copy.name = "Acme"
    copy.save()
    assert (state(), Tenant.objects.get().name) == ("suspended", "Acme")


def test_a_copy_that_was_saved_before_does_not_either(db: None) -> None:
    copy = Tenant.objects.create(alias="acme", state="active")
    Tenant.objects.update(state="deleted")
    copy.save()
    assert state() == "deleted"


@guarded_by(Without(LifeKept, "fields_to_save", lambda self: ALL | {"database"}))
def test_an_older_copy_does_not_bring_an_old_login_back(acme: Any) -> None:
    copy, row = Tenant.objects.get(), Tenant.objects.get()
    row.database = {**row.database, "PASSWORD": "new"}
    row.save()
    copy.name = "Acme"
    copy.save()
    assert Tenant.objects.get().database.get("PASSWORD") == "new"


@guarded_by(Without(LifeKept, "fields_to_save", lambda self: None))
def test_a_purged_tenant_is_not_written_again(db: None) -> None:
    copy = Tenant.objects.create(alias="acme")
    Tenant.objects.all().delete()
    with suppress(DatabaseError):
        copy.save()
    assert not Tenant.objects.exists()


def test_what_is_changed_is_saved(acme: Any) -> None:
    """The control."""
    row = Tenant.objects.get()
    row.state = "suspended"
    row.save()
    assert state() == "suspended"
    row.state = "active"
    row.save(update_fields=["name"])
    assert state() == "suspended"
    row.save()
    assert state() == "active"


def test_what_was_refreshed_counts_as_read(acme: Any) -> None:
    row = Tenant.objects.get()
    Tenant.objects.update(state="suspended", error="x")
    row.refresh_from_db(fields=["state"])
    Tenant.objects.update(state="active")
    row.save()
    assert (state(), Tenant.objects.get().error) == ("active", "x")
    row.refresh_from_db()
    assert row.error == "x"


@pytest.mark.parametrize("name", sorted(LIFE))
def test_each_attribute_of_a_life_is_there(name: str) -> None:
    assert name in {field.attname for field in Tenant._meta.concrete_fields}
