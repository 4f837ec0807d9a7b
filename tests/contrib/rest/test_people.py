"""Where the user model is the project's own, users and tokens are still one tenant's."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections
from django.test import RequestFactory
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from multi_tenant.context import public_context, tenant_context
from multi_tenant.contrib.rest import jwt, people
from multi_tenant.users.models import GlobalUser
from tests.contrib.rest.conftest import Ask, bearer, token
from tests.testapp.billing.models import Plan
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "has_identities", lambda: False)


def loaded(user: Any, place: str | None) -> Any:
    """A user as it comes from a place's database."""
    user._state.db = place
    return user


def test_a_user_is_who_the_tenants_database_says(acme: Any) -> None:
    with tenant_context("acme"):
        for place in ("acme", None):
            user = loaded(User(pk=1, username="ann"), place)
            assert people.admitted(user) is user
        for place in ("bolt", "public"):
            with pytest.raises(AuthenticationFailed):
                people.admitted(loaded(User(pk=1, username="ann"), place))


def test_a_request_goes_by_it(acme: Any) -> None:
    with tenant_context("acme"):
        request = Request(RequestFactory().get("/"))
        request.user = loaded(User(username="ann"), "acme")
        with pytest.raises(AuthenticationFailed):
            request.user = loaded(User(username="ann"), "bolt")


def test_a_credential_is_one_of_where_its_model_lives(acme: Any) -> None:
    with public_context():
        plan = Plan.objects.create(name="shared")
    with tenant_context("acme"):
        author = Author.objects.create(name="Ann")
        for credential in (plan, author, Token(key="k"), "a text", None):
            assert people.admitted_credential(credential) is credential
        with pytest.raises(AuthenticationFailed):
            people.admitted_credential(loaded(Token(key="k"), "public"))


def test_what_is_no_row_is_the_projects_business() -> None:
    for user in (None, AnonymousUser(), "somebody"):
        assert people.admitted(user) is user


@pytest.mark.parametrize("kind", ["token", "jwt"])
def test_our_classes_ask_whether_the_project_lets_a_user_in(
    kind: str, ask: Ask, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = token(ask, bob, "acme") if kind == "token" else bearer(ask, bob, "acme")
    monkeypatch.setattr(jwt, "has_identities", lambda: False)
    assert ask(f"/who/our-{kind}/", "acme", credential).status_code == 200
    with tenant_context("acme"), connections["acme"].cursor() as cursor:
        cursor.execute(f"UPDATE {GlobalUser._meta.db_table} SET is_active = %s", [False])
    assert ask(f"/who/our-{kind}/", "acme", credential).status_code == 401
