"""simplejwt's own views and tokens: what was made for a tenant is nothing in another, and ends with a membership."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken

from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context, tenant_context
from multi_tenant.contrib.rest.claims import CLAIM
from multi_tenant.exceptions import NoTenantError
from multi_tenant.models import Tenant
from multi_tenant.users.joining import remove_member, suspend_member
from multi_tenant.users.members import find_member
from tests.contrib.rest.conftest import PASSWORD, Ask, apps_but, jwt

pytestmark = pytest.mark.django_db
PLACES = ["acme", "bolt", "public"]
APP = "rest_framework_simplejwt.token_blacklist"


@pytest.fixture(params=["shared", "tenant", "both"])
def blacklist(request: pytest.FixtureRequest, acme: Tenant, bolt: Tenant, configure: Callable[..., None]) -> None:
    """The list of tokens, in each of its homes; the tenants, which are made with all tables, come first."""
    if request.param == "shared":
        configure(TENANT_APPS=apps_but(APP, "TENANT_APPS"))
    if request.param == "tenant":
        configure(SHARED_APPS=apps_but(APP, "SHARED_APPS"))


def accepting(ask: Ask, path: str, **data: str) -> set[str]:
    """Where a view takes a token for good."""
    answers = {at: ask(path, at, **data).status_code for at in PLACES}
    assert set(answers.values()) <= {200, 401}
    return {at for at, status in answers.items() if status == 200}


def test_a_refresh_token_is_good_where_it_was_made(blacklist: None, ask: Ask, bob: Any, request: Any) -> None:
    for at in PLACES if "tenant" not in request.node.callspec.id else PLACES[:2]:
        assert accepting(ask, "/jwt/refresh/", refresh=jwt(ask, bob, at)["refresh"]) == {at}


def test_what_a_refresh_token_gives_is_for_its_tenant(ask: Ask, bob: Any) -> None:
    access = ask("/jwt/refresh/", "acme", refresh=jwt(ask, bob, "acme")["refresh"]).json()["access"]
    assert ask("/who/jwt/", "acme", f"Bearer {access}").json()["user"] == "bob"
    assert ask("/who/jwt/", "bolt", f"Bearer {access}").status_code == 401


def test_a_sliding_token_is_good_where_it_was_made(ask: Ask, bob: Any) -> None:
    made = ask("/jwt/sliding/", "acme", username="bob", password=PASSWORD).json()["token"]
    assert accepting(ask, "/jwt/sliding/refresh/", token=made) == {"acme"}
    assert accepting(ask, "/jwt/verify/", token=made) == {"acme"}


def test_a_token_is_verified_where_it_was_made(ask: Ask, bob: Any) -> None:
    for text in jwt(ask, bob, "acme").values():
        assert accepting(ask, "/jwt/verify/", token=text) == {"acme"}


def test_a_token_on_the_blacklist_is_refused(
    blacklist: None, ask: Ask, bob: Any, request: pytest.FixtureRequest
) -> None:
    refresh, other = (jwt(ask, bob, "acme")["refresh"] for _ in range(2))
    assert ask("/jwt/blacklist/", "bolt", refresh=refresh).status_code == 401
    assert ask("/jwt/blacklist/", "acme", refresh=refresh).status_code == 200
    assert ask("/jwt/refresh/", "acme", refresh=refresh).status_code == 401
    assert ask("/jwt/verify/", "acme", token=refresh).status_code >= 400
    assert ask("/jwt/refresh/", "acme", refresh=other).status_code == 200


def test_a_token_that_was_never_listed_is_blacklisted(blacklist: None, ask: Ask, bob: Any, request: Any) -> None:
    refresh = jwt(ask, bob, "acme")["refresh"]
    with public_context() if "shared" in request.node.callspec.id else tenant_context("acme"):
        OutstandingToken.objects.all().delete()
    assert ask("/jwt/blacklist/", "acme", refresh=refresh).status_code == 200
    assert ask("/jwt/refresh/", "acme", refresh=refresh).status_code == 401


def test_the_list_of_tokens_names_the_person(blacklist: None, ask: Ask, bob: Any, request: Any) -> None:
    jwt(ask, bob, "acme")
    with public_context() if "shared" in request.node.callspec.id else tenant_context("acme"):
        assert OutstandingToken.objects.get().user_id == bob.pk


@pytest.mark.parametrize("end", [suspend_member, remove_member])
@pytest.mark.parametrize("view", ["refresh", "verify", "blacklist", "sliding/refresh"])
def test_nothing_is_done_with_tokens_from_before_the_membership_ended(
    view: str, end: Callable[..., None], ask: Ask, bob: Any, acme: Tenant, bolt: Tenant
) -> None:
    if "sliding" in view:
        data = {"token": ask("/jwt/sliding/", "acme", username="bob", password=PASSWORD).json()["token"]}
    else:
        data = {"token" if view == "verify" else "refresh": jwt(ask, bob, "acme")["refresh"]}
    end(bob, bolt)
    if view != "blacklist":
        assert ask(f"/jwt/{view}/", "acme", **data).status_code == 200, "the control: another membership's end"
    end(bob, acme)
    assert ask(f"/jwt/{view}/", "acme", **data).status_code == 401


def test_a_stranger_gets_no_token(ask: Ask, ann: Any, root: Any) -> None:
    for user in (ann, root):
        assert ask("/jwt/", "bolt", username=user.username, password=PASSWORD).status_code == 401
    assert "access" in jwt(ask, ann, "acme")


def test_a_token_without_the_claim_is_nothing_anywhere(ask: Ask, bob: Any) -> None:
    """So are those from before this was installed, and those that another site with the same key makes."""
    with tenant_context("acme"):
        member: Any = find_member(bob.pk)
        made = AccessToken.for_user(member)
    assert ask("/who/jwt/", "acme", f"Bearer {made}").status_code == 200
    del made[CLAIM]
    assert {ask("/who/jwt/", at, f"Bearer {made}").status_code for at in PLACES} == {401}


def test_a_token_that_code_reads_itself_is_checked(acme: Tenant, bob: Any) -> None:
    with tenant_context("acme"):
        member: Any = find_member(bob.pk)
        text: Any = str(RefreshToken.for_user(member))
        assert UntypedToken(text)[CLAIM] == str(acme.uuid)
        suspend_member(bob, acme)
        with pytest.raises(TokenError):
            UntypedToken(text)
    with tenant_context("bolt"), pytest.raises(TokenError):
        RefreshToken(text)


def test_a_token_of_no_person_is_checked_for_its_place(acme: Tenant, bolt: Tenant) -> None:
    with tenant_context("acme"):
        text: Any = str(AccessToken())
        assert AccessToken(text).payload
    with tenant_context("bolt"), pytest.raises(TokenError):
        AccessToken(text)


@pytest.mark.parametrize("kind", ["jwt", "our-jwt"])
def test_a_token_of_no_person_lets_nobody_in(kind: str, ask: Ask) -> None:
    with tenant_context("acme"):
        made = AccessToken()
    assert ask(f"/who/{kind}/", "acme", f"Bearer {made}").status_code == 401


def test_no_token_is_made_while_it_is_undecided_for_whom() -> None:
    with fixed_context(UNDECIDED_PLACE), pytest.raises(NoTenantError):
        AccessToken()


def test_a_token_may_name_a_person_by_another_field(monkeypatch: pytest.MonkeyPatch, ask: Ask, bob: Any) -> None:
    monkeypatch.setattr(api_settings, "USER_ID_FIELD", "username", raising=False)
    made = jwt(ask, bob, "acme")
    assert ask("/who/our-jwt/", "acme", f"Bearer {made['access']}").json()["user"] == "bob"
    assert accepting(ask, "/jwt/verify/", token=made["refresh"]) == {"acme"}


def test_a_changed_password_ends_tokens_where_the_project_wants_it(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, bob: Any
) -> None:
    monkeypatch.setattr(api_settings, "CHECK_REVOKE_TOKEN", True, raising=False)
    access = f"Bearer {jwt(ask, bob, 'acme')['access']}"
    assert ask("/who/our-jwt/", "acme", access).json()["user"] == "bob"
    with public_context():
        bob.set_password("another")
        bob.save()
    assert ask("/who/our-jwt/", "acme", access).status_code == 401


def test_a_login_is_noted_in_public_though_the_person_is_known_elsewhere(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, bob: Any
) -> None:
    monkeypatch.setattr(api_settings, "UPDATE_LAST_LOGIN", True, raising=False)
    assert bob.last_login is None
    assert "access" in jwt(ask, bob, "acme")
    bob.refresh_from_db()
    assert bob.last_login is not None
