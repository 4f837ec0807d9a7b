"""A program asks the public site with a tenant's JSON web token, and is taken to the tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from multi_tenant.context import tenant_context
from multi_tenant.contrib.rest.claims import CLAIM
from multi_tenant.models import Tenant
from multi_tenant.users.joining import suspend_member
from multi_tenant.users.members import find_member
from tests.contrib.rest.conftest import Ask, bearer, jwt

pytestmark = pytest.mark.django_db
READER = "multi_tenant.contrib.rest.reader.read_token"


@pytest.fixture
def taken(ask: Ask, configure: Callable[..., None]) -> Ask:
    configure(MEMBER_RESOLVERS=[("multi_tenant.users.resolvers.CredentialResolver", {"reader": READER})])
    return ask


@pytest.mark.parametrize("kind", ["jwt", "our-jwt"])
def test_a_token_leads_to_its_tenant(kind: str, taken: Ask, bob: Any) -> None:
    for at in ("acme", "bolt", "public"):
        found = taken(f"/who/{kind}/", "public", bearer(taken, bob, at)).json()
        assert (found["user"], found["django"], found["db"]) == ("bob", "bob", at)


def test_it_does_so_on_the_public_site_alone(taken: Ask, bob: Any) -> None:
    assert taken("/who/jwt/", "bolt", bearer(taken, bob, "acme")).status_code == 401


def test_without_the_resolver_it_is_nothing_there(ask: Ask, bob: Any) -> None:
    assert ask("/who/jwt/", "public", bearer(ask, bob, "acme")).status_code == 401


def test_what_is_no_access_token_of_a_member_leads_nowhere(taken: Ask, bob: Any, acme: Tenant, bolt: Tenant) -> None:
    former = bearer(taken, bob, "bolt")
    suspend_member(bob, bolt)
    with tenant_context("acme"):
        member: Any = find_member(bob.pk)
        nowhere = AccessToken.for_user(member)
        nowhere[CLAIM] = str(bob.pk)
    texts = [jwt(taken, bob, "acme")["refresh"], str(nowhere), str(AccessToken()), "no.token", "two words", ""]
    for credential in (former, *(f"Bearer {text}" for text in texts)):
        answer = taken("/who/session/", "public", credential)
        assert (answer.json()["user"], answer.wsgi_request.tenant) == ("", None)
    assert taken("/who/session/", "public", bearer(taken, bob, "acme")).wsgi_request.tenant.alias == "acme"
