"""People with credentials at the APIs of two tenants; without REST framework these tests are skipped."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from multi_tenant.context import public_context, tenant_context
from multi_tenant.models import Domain, Tenant
from multi_tenant.users.joining import add_member

#: Answers to a request at a tenant's address, or at the public one.
Ask = Callable[..., Any]
PASSWORD = "a secret of theirs"


class Skipped(pytest.Module):
    """A module whose imports are missing."""

    def collect(self) -> Iterator[Any]:
        pytest.skip("REST framework is not installed: the dependency group `rest` has it.")


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    return None if find_spec("rest_framework") else Skipped.from_parent(parent, path=module_path)


@pytest.fixture(autouse=True)
def pages(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("settings").ROOT_URLCONF = "tests.contrib.rest.urls"


@pytest.fixture
def ask(acme: Tenant, bolt: Tenant, configure: Callable[..., None]) -> Ask:
    """Asks for a path at ``acme``, ``bolt`` or ``public``."""
    configure(PUBLIC_HOSTS=["public.example.com"])
    for tenant in (acme, bolt):
        Domain.objects.create(host=f"{tenant.alias}.example.com", tenant=tenant)

    def answer(path: str, at: str, credential: str = "", *, client: Client | None = None, **data: Any) -> Any:
        headers = {"host": f"{at}.example.com"} | ({"authorization": credential} if credential else {})
        visitor = client or Client()
        if data:
            return visitor.post(path, data, content_type="application/json", headers=headers)
        return visitor.get(path, headers=headers)

    return answer


@pytest.fixture
def ann(acme: Tenant) -> Any:
    """A member of acme alone, made there."""
    with tenant_context(acme):
        return get_user_model().objects.create_user("ann", "ann@example.com", PASSWORD)


@pytest.fixture
def bob(acme: Tenant, bolt: Tenant) -> Any:
    """A member of both tenants."""
    with public_context():
        identity = get_user_model().objects.create_user("bob", "bob@example.com", PASSWORD)
        add_member(identity, acme)
        add_member(identity, bolt)
    return identity


@pytest.fixture
def root() -> Any:
    """The platform's superuser, a member of no tenant."""
    with public_context():
        return get_user_model().objects.create_superuser("root", "root@example.com", PASSWORD)


def apps_but(app: str, name: str) -> list[str]:
    """The apps of SHARED_APPS or TENANT_APPS without one of them."""
    given: Any = settings.MULTI_TENANT
    return [other for other in given[name] if other != app]


def basic(user: Any) -> str:
    return "Basic " + base64.b64encode(f"{user.username}:{PASSWORD}".encode()).decode()


def token(ask: Ask, user: Any, at: str, view: str = "tenant") -> str:
    """The token that the view answers there."""
    answer = ask(f"/token/{view}/", at, username=user.username, password=PASSWORD)
    return f"Token {answer.json()['token']}"


def jwt(ask: Ask, user: Any, at: str) -> dict[str, str]:
    """The pair of tokens that simplejwt's own view answers there."""
    found: dict[str, str] = ask("/jwt/", at, username=user.username, password=PASSWORD).json()
    return found


def bearer(ask: Ask, user: Any, at: str) -> str:
    return f"Bearer {jwt(ask, user, at)['access']}"
