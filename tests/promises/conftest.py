"""What the tests of several promises ask for."""

from __future__ import annotations

import pytest

from multi_tenant.models import Tenant
from multi_tenant.registry.store import store


@pytest.fixture
def cached(acme: Tenant, bolt: Tenant) -> None:
    """Both tenants are in the store: code in loops and in other threads has no SQL."""
    for tenant in (acme, bolt):
        store.get(tenant.alias)
