"""Tenants acme and bolt behind hosts of their own, and a way to make more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from multi_tenant.registry.models import Domain, Tenant

Factory = Callable[..., Tenant]


@pytest.fixture
def make_tenant(tenant_factory: Factory, configure: Any, settings: Any) -> Factory:
    """Makes a tenant that ``<alias>.example.com`` leads to."""
    settings.ROOT_URLCONF = "tests.middleware.urls"
    # Long enough for no poll to fall into a test that counts statements.
    configure(PUBLIC_HOSTS=["example.com"], HEALTH_PATHS=["/healthz"], REGISTRY_TTL=600)

    def make(alias: str, **fields: Any) -> Tenant:
        tenant = tenant_factory(alias, **fields)
        Domain.objects.create(tenant=tenant, host=f"{alias}.example.com")
        return tenant

    return make


@pytest.fixture
def acme(make_tenant: Factory) -> Tenant:
    return make_tenant("acme")


@pytest.fixture
def bolt(make_tenant: Factory) -> Tenant:
    return make_tenant("bolt")
