"""A public database that is restored while processes run: its version goes back to a number that was there before."""

from __future__ import annotations

from typing import Any

from multi_tenant.registry.models import RegistryVersion, Tenant
from multi_tenant.registry.store import Store, store
from tests.promises.control import Without, guarded_by


def set_version(number: int) -> None:
    RegistryVersion.objects.filter(pk=1).update(version=number)
    store.expire()


@guarded_by(Without(Store, "_forget_records"))
def test_what_was_cached_before_a_restore_is_read_anew(acme: Any) -> None:
    assert store.get("acme").state == "active"
    before = RegistryVersion.objects.get(pk=1).version
    set_version(before - 1)
    store.version()
    Tenant.objects.filter(pk=acme.pk).update(state="suspended")
    assert RegistryVersion.objects.get(pk=1).version == before
    assert store.get("acme").state == "suspended"
