"""People in tenants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from multi_tenant.context import tenant_context
from multi_tenant.models import Domain, Tenant
from tests.users.crowd import Crowd


@pytest.fixture
def ann(acme: Tenant) -> Any:
    """A member of acme alone, made there."""
    with tenant_context(acme):
        return get_user_model().objects.create_user("ann", "ann@example.com", "secret of ann")


@pytest.fixture
def at_acme(acme: Tenant) -> Client:
    """A browser at acme's address."""
    Domain.objects.create(host="acme.example.com", tenant=acme)
    return Client(headers={"host": "acme.example.com"})


@pytest.fixture
def bob(bolt: Tenant) -> Any:
    """A member of bolt alone, made there."""
    with tenant_context(bolt):
        return get_user_model().objects.create_user("bob", "bob@example.com", "secret of bob")


@pytest.fixture
def mia(db: None) -> Any:
    """An identity without a membership."""
    return get_user_model().objects.create_user("mia", "mia@example.com", "secret of mia")


@pytest.fixture
def crowd(acme: Tenant, bolt: Tenant, configure: Callable[..., None], settings: Any) -> Crowd:
    """One person of each kind, at two tenants and a public site."""
    settings.SITE_ID = 1  # what migrate makes; the pages of django.contrib.auth name the site
    configure(PUBLIC_HOSTS=["public.example.com"])
    return Crowd(acme, bolt)
