"""The admin of the public site and of acme, each with somebody who may do anything there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from multi_tenant.context import public_context, tenant_context
from multi_tenant.models import Domain, Tenant

PASSWORD = "open sesame"
Browser = Callable[[str], Client]


@pytest.fixture
def browser(settings: Any, configure: Callable[..., None]) -> Browser:
    """Gives a browser at a host where its boss, who was made by then, has signed in."""
    settings.ROOT_URLCONF = "tests.contrib.admin.urls"
    configure(PUBLIC_HOSTS=["example.com"])

    def sign_in(host: str) -> Client:
        client = Client(headers={"host": host})
        answer = client.post("/admin/login/", {"username": f"boss@{host}", "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return client

    return sign_in


@pytest.fixture
def public(db: None, browser: Browser) -> Client:
    """A superuser of the platform, at the public site."""
    with public_context():
        get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", PASSWORD)
    return browser("example.com")


@pytest.fixture
def at_acme(acme: Tenant, browser: Browser) -> Client:
    """A superuser of acme, there."""
    return boss_at(acme, browser)


@pytest.fixture
def at_bolt(bolt: Tenant, browser: Browser) -> Client:
    """A superuser of bolt, there."""
    return boss_at(bolt, browser)


def boss_at(tenant: Tenant, browser: Browser) -> Client:
    host = f"{tenant.alias}.example.com"
    Domain.objects.create(tenant=tenant, host=host)
    with tenant_context(tenant):
        get_user_model().objects.create_superuser(f"boss@{host}", f"boss@{host}", PASSWORD)
    return browser(host)
