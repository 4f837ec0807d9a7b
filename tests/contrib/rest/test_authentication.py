"""Each way to authenticate, stock and ours, answers a member of the tenant or nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request

from multi_tenant.context import public_context, tenant_context
from multi_tenant.models import Tenant
from multi_tenant.users.joining import suspend_member
from tests.contrib.rest.conftest import Ask, basic, bearer, token

pytestmark = pytest.mark.django_db

BY_HEADER = ["basic", "token", "jwt", "stateless-jwt", "our-basic", "our-token", "our-jwt"]
#: A password is the person's, wherever it is a member; these were made for one place.
BOUND = [kind for kind in BY_HEADER if "basic" not in kind]
EACH = pytest.mark.parametrize("kind", BY_HEADER)


def credential(kind: str, ask: Ask, user: Any, at: str) -> str:
    """What a person shows at a tenant's API."""
    if "basic" in kind:
        return basic(user)
    return token(ask, user, at) if "token" in kind else bearer(ask, user, at)


def signed_in(ask: Ask, user: Any, at: str) -> Client:
    """A browser in which the person has signed in."""
    client = Client()
    form = {"username": user.username, "password": "a secret of theirs"}
    assert client.post("/accounts/login/", form, headers={"host": f"{at}.example.com"}).status_code == 302
    return client


@EACH
def test_a_member_is_let_in_as_the_tenants_own(kind: str, ask: Ask, ann: Any) -> None:
    answer = ask(f"/who/{kind}/", "acme", credential(kind, ask, ann, "acme"))
    assert answer.json()["user"] == answer.json()["django"] == "ann"
    assert answer.json()["db"] == "acme"


@EACH
def test_who_is_no_member_is_refused(kind: str, ask: Ask, ann: Any) -> None:
    answer = ask(f"/who/{kind}/", "bolt", credential(kind, ask, ann, "acme"))
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"]


@EACH
def test_a_credential_from_before_the_membership_ended_is_refused(
    kind: str, ask: Ask, bob: Any, acme: Tenant, bolt: Tenant
) -> None:
    text = credential(kind, ask, bob, "acme")
    suspend_member(bob, bolt)
    assert ask(f"/who/{kind}/", "acme", text).json()["user"] == "bob", "the control: another membership's end"
    suspend_member(bob, acme)
    assert ask(f"/who/{kind}/", "acme", text).status_code == 401


@EACH
def test_the_platforms_superuser_is_nobody_in_a_tenant(kind: str, ask: Ask, root: Any) -> None:
    text = credential(kind, ask, root, "public")
    assert ask(f"/who/{kind}/", "acme", text).status_code == 401
    found = ask(f"/who/{kind}/", "public", text).json()
    assert (found["user"], found["is_staff"], found["db"]) == ("root", True, "public")


@pytest.mark.parametrize("kind", ["session", "our-session"])
def test_a_session_is_a_members_where_it_is_one(kind: str, ask: Ask, ann: Any) -> None:
    client = signed_in(ask, ann, "acme")
    found = ask(f"/who/{kind}/", "acme", client=client).json()
    assert (found["user"], found["django"], found["db"]) == ("ann", "ann", "acme")
    assert ask(f"/who/{kind}/", "bolt", client=client).json()["user"] == ""


@pytest.mark.parametrize("kind", ["session", "our-session"])
def test_a_session_ends_with_the_membership(kind: str, ask: Ask, ann: Any, acme: Tenant) -> None:
    client = signed_in(ask, ann, "acme")
    suspend_member(ann, acme)
    assert ask(f"/who/{kind}/", "acme", client=client).json()["user"] == ""


@pytest.mark.parametrize("kind", BOUND)
def test_tokens_of_one_tenant_are_nothing_in_another_of_the_same_person(kind: str, ask: Ask, bob: Any) -> None:
    texts = {at: credential(kind, ask, bob, at) for at in ("acme", "bolt", "public")}
    for at in texts:
        accepted = {of for of, text in texts.items() if ask(f"/who/{kind}/", at, text).status_code == 200}
        assert accepted == {at}


@pytest.mark.parametrize("kind", BOUND)
@pytest.mark.parametrize("forged", [{"x-tenant": "acme"}, {"x-forwarded-host": "acme.example.com"}, {}])
def test_a_forged_request_makes_no_token_good(kind: str, forged: dict[str, str], ask: Ask, bob: Any) -> None:
    text = credential(kind, ask, bob, "acme")
    headers = {"host": "bolt.example.com", "authorization": text, **forged}
    assert Client().get(f"/who/{kind}/?tenant=acme", headers=headers).status_code == 401
    headers["host"] = "acme.example.com"
    assert Client().get(f"/who/{kind}/?tenant=acme", headers=headers).status_code == 200


@pytest.mark.parametrize(("seconds", "statements"), [(0, 2), (60, 1)])
@pytest.mark.parametrize("kind", ["token", "our-token", "jwt", "our-jwt"])
def test_a_request_costs_one_statement_more_than_without_tenants(
    kind: str, seconds: int, statements: int, ask: Ask, ann: Any, configure: Callable[..., None]
) -> None:
    """Without them it costs one, for the token with its user or for the user; and so it does for a known member."""
    configure(MEMBERSHIP_TTL=seconds)
    text = credential(kind, ask, ann, "acme")
    ask(f"/who/{kind}/", "acme", text)
    with CaptureQueriesContext(connections["public"]) as public, CaptureQueriesContext(connections["acme"]) as tenant:
        assert ask(f"/who/{kind}/", "acme", text).json()["user"] == "ann"
    assert len([*public, *tenant]) == statements


def test_an_old_copy_of_the_identity_is_brought_up_to_date(ask: Ask, bob: Any) -> None:
    text = bearer(ask, bob, "acme")
    with public_context():
        bob.first_name = "Robert"
        bob.save()
    assert ask("/who/jwt/", "acme", text).status_code == 200
    with tenant_context("acme"):
        assert get_user_model().objects.get(pk=bob.pk).first_name == "Robert"


def test_a_user_of_whom_a_part_was_loaded_is_loaded_again(bob: Any) -> None:
    with tenant_context("acme"):
        request = Request(RequestFactory().get("/"))
        request.user = get_user_model().objects.only("is_staff").get(pk=bob.pk)
        user: Any = request.user
        assert user.username == "bob"
        assert not user.get_deferred_fields()


@pytest.mark.parametrize("kind", BOUND)
@pytest.mark.parametrize(
    ("resolver", "path", "header"),
    [
        (("PathResolver", {"prefix": "t"}), "/t/{}/who/{}/", ""),
        (("QueryResolver", {"name": "tenant"}), "/who/{1}/?tenant={0}", ""),
        (("HeaderResolver", {"name": "X-Tenant"}), "/who/{1}/", "x-tenant"),
    ],
    ids=["path", "query", "header"],
)
def test_who_names_another_tenant_has_no_token_for_it(
    kind: str, resolver: Any, path: str, header: str, ask: Ask, bob: Any, configure: Callable[..., None]
) -> None:
    """The host is forged, too: it is that of the tenant for which the token is."""
    text = credential(kind, ask, bob, "acme")
    name, options = resolver
    configure(RESOLVERS=[(f"multi_tenant.resolvers.{name}", options)], TRUSTED_PROXIES=["127.0.0.1"])
    found = {}
    for alias in ("acme", "bolt"):
        headers = {"host": "acme.example.com", "authorization": text} | ({header: alias} if header else {})
        found[alias] = Client().get(path.format(alias, kind), headers=headers).status_code
    assert found == {"acme": 200, "bolt": 401}
