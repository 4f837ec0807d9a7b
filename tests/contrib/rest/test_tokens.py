"""Tokens of rest_framework.authtoken are one tenant's, in tenants' tables and in the public one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.authtoken.models import Token

from multi_tenant.context import public_context
from multi_tenant.models import Tenant
from multi_tenant.users.joining import suspend_member
from tests.contrib.rest.conftest import Ask, apps_but, token

pytestmark = pytest.mark.django_db
APP = "rest_framework.authtoken"
PLACES = ["acme", "bolt", "public"]


@pytest.fixture
def in_public(acme: Tenant, bolt: Tenant, configure: Callable[..., None]) -> None:
    """The tokens' table is in the public database alone; the tenants, which are made with all tables, come first."""
    configure(TENANT_APPS=apps_but(APP, "TENANT_APPS"))


@pytest.fixture
def in_tenants(acme: Tenant, bolt: Tenant, configure: Callable[..., None]) -> None:
    configure(SHARED_APPS=apps_but(APP, "SHARED_APPS"))


def accepting(ask: Ask, kind: str, text: str) -> set[str]:
    return {at for at in PLACES if ask(f"/who/{kind}/", at, text).status_code == 200}


def test_a_token_from_a_table_in_public_is_good_where_it_was_issued(in_public: None, ask: Ask, bob: Any) -> None:
    for at in PLACES:
        text = token(ask, bob, at)
        assert accepting(ask, "our-token", text) == {at}
        assert token(ask, bob, at) == text, "the same one when asked again"


def test_the_platforms_token_opens_no_tenant_by_the_stock_class(in_public: None, ask: Ask, bob: Any) -> None:
    raw = token(ask, bob, "public")
    assert accepting(ask, "token", raw) == accepting(ask, "our-token", raw) == {"public"}


def test_a_tenants_token_does_not_tell_the_platforms(in_public: None, ask: Ask, bob: Any) -> None:
    raw = token(ask, bob, "public").removeprefix("Token ")
    assert raw not in token(ask, bob, "acme")


@pytest.mark.parametrize("change", ["", "x", ".", "00", "é"])
def test_a_changed_token_is_nothing(change: str, in_public: None, ask: Ask, bob: Any, ann: Any) -> None:
    text = token(ask, bob, "acme")
    assert accepting(ask, "our-token", text) == {"acme"}
    key, _, proof = text.removeprefix("Token ").rpartition(".")
    for forged in (f"{ann.pk}.{proof}", f"{key}.{change}", f"{change}.{proof}", change or "x"):
        assert accepting(ask, "our-token", f"Token {forged}") == set()


def test_tenants_tokens_end_with_the_persons_token(in_public: None, ask: Ask, bob: Any) -> None:
    text = token(ask, bob, "acme")
    with public_context():
        Token.objects.filter(user=bob).delete()
    assert accepting(ask, "our-token", text) == set()


@pytest.mark.parametrize("table", ["in_public", "in_tenants"])
def test_a_token_ends_with_the_membership(
    table: str, request: pytest.FixtureRequest, ask: Ask, bob: Any, acme: Tenant, bolt: Tenant
) -> None:
    request.getfixturevalue(table)
    text = token(ask, bob, "acme")
    suspend_member(bob, bolt)
    assert ask("/who/our-token/", "acme", text).status_code == 200
    suspend_member(bob, acme)
    assert ask("/who/our-token/", "acme", text).status_code == 401


@pytest.mark.parametrize("view", ["stock", "tenant"])
def test_a_token_from_a_tenants_table_is_good_there(view: str, in_tenants: None, ask: Ask, bob: Any) -> None:
    texts = {at: token(ask, bob, at, view) for at in ("acme", "bolt")}
    assert texts["acme"] != texts["bolt"]
    for at, text in texts.items():
        for kind in ("token", "our-token"):
            assert ask(f"/who/{kind}/", at, text).json()["user"] == "bob"
        other = "bolt" if at == "acme" else "acme"
        assert ask(f"/who/{kind}/", other, text).status_code == 401


def test_a_person_who_left_the_platform_has_no_token(in_public: None, ask: Ask, bob: Any) -> None:
    texts = {at: token(ask, bob, at) for at in PLACES}
    with public_context():
        bob.is_active = False
        bob.save()
    assert {ask("/who/our-token/", at, text).status_code for at, text in texts.items()} == {401}


def test_the_public_site_has_no_tokens_where_tenants_alone_have_them(in_tenants: None, ask: Ask, bob: Any) -> None:
    text = token(ask, bob, "acme")
    assert ask("/who/our-token/", "public", text).status_code in (401, 403)
    answer = ask("/token/tenant/", "public", username="bob", password="wrong")
    assert answer.status_code == 404
