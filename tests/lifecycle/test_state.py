from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.dispatch import Signal

from multi_tenant import ProvisioningError, UnknownTenantError, current_alias, tenant_context
from multi_tenant.lifecycle import create_tenant, delete, resume, suspend
from multi_tenant.registry.models import Tenant
from multi_tenant.signals import tenant_resumed, tenant_suspended


@contextmanager
def heard(signal: Signal) -> Iterator[list[Any]]:
    """What a signal tells, and where."""
    seen: list[Any] = []

    def receive(sender: Any, tenant: Any, **kwargs: Any) -> None:
        seen.append((sender, tenant.alias, Tenant.objects.get(alias=tenant.alias).state, current_alias()))

    signal.connect(receive)
    try:
        yield seen
    finally:
        signal.disconnect(receive)


def test_suspending_tells_once(registry: None) -> None:
    create_tenant("acme")
    with heard(tenant_suspended) as seen:
        assert suspend("acme").state == "suspended"
        assert suspend("acme").state == "suspended"
    assert seen == [(Tenant, "acme", "suspended", "public")]


def test_resuming_tells_once_and_inside_the_tenant(registry: None) -> None:
    create_tenant("acme")
    suspend("acme")
    with heard(tenant_resumed) as seen:
        assert resume("acme").state == "active"
        assert resume("acme").state == "active"
    assert seen == [(Tenant, "acme", "active", "acme")]


def test_a_tenant_that_is_behind_is_not_resumed(registry: None) -> None:
    create_tenant("acme")
    suspend("acme")
    Tenant.objects.filter(alias="acme").update(fingerprint="of earlier code")
    with pytest.raises(ProvisioningError, match="migrate_tenants"):
        resume("acme")
    assert Tenant.objects.get().state == "suspended"


@pytest.mark.parametrize("state", ["pending", "provisioning", "failed", "deleting", "deleted"])
def test_other_states_are_neither_suspended_nor_resumed(state: str, registry: None) -> None:
    Tenant.objects.create(alias="acme", state=state)
    for call in (suspend, resume):
        with pytest.raises(ProvisioningError, match=state):
            call("acme")
    assert Tenant.objects.get().state == state


def test_unknown_tenants_are_refused(registry: None) -> None:
    for call in (suspend, resume, delete):
        with pytest.raises(UnknownTenantError):
            call("nobody")


def test_a_tenant_may_suspend_another_from_inside(registry: None) -> None:
    create_tenant("acme")
    create_tenant("bolt")
    with tenant_context("acme"):
        suspend("bolt")
        assert current_alias() == "acme"
