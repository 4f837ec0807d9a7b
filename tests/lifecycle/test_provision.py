from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from multi_tenant import TenantUnavailableError, UnknownTenantError, tenant_context
from multi_tenant.lifecycle import create_tenant, delete, purge, resume, suspend
from multi_tenant.registry.models import DatabaseServer, Tenant


def test_a_tenant_is_made_served_suspended_resumed_and_deleted(server: DatabaseServer | None) -> None:
    tenant = create_tenant("acme", name="Acme", domains=["ACME.localhost:8000"], server=server)
    assert (tenant.state, tenant.name) == ("active", "Acme")
    with tenant_context("acme"):
        Group.objects.create(name="first")
        assert Group.objects.count() == 1
    suspend("acme")
    with pytest.raises(TenantUnavailableError):
        tenant_context("acme").__enter__()
    resume("acme")
    with tenant_context("acme"):
        assert Group.objects.count() == 1
    assert delete("acme", force=True).state == "deleted"
    purge("acme")
    assert not Tenant.objects.exists()
    with pytest.raises(UnknownTenantError):
        tenant_context("acme").__enter__()
