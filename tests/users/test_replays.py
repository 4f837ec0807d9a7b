"""What was issued in one tenant is worth nothing in another, however the request is dressed up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import InvitationError
from multi_tenant.users.joining import accept, invite
from multi_tenant.users.models import Membership
from tests.users.crowd import Crowd, signed_in, visitor
from tests.users.test_passwords import ask_for_link, follow, links

pytestmark = pytest.mark.django_db
PERSON = "member of another tenant"
#: How a request to bolt may say that it is for acme.
DRESSES: dict[str, dict[str, Any]] = {
    "alone": {},
    "forged host": {"HTTP_X_FORWARDED_HOST": "acme.example.com", "HTTP_X_ORIGINAL_HOST": "acme.example.com"},
    "header": {"HTTP_X_TENANT": "acme"},
    "query": {"QUERY_STRING": "tenant=acme"},
    "path prefix": {"SCRIPT_NAME": "/t/acme"},
}
Give = Callable[..., None]


@pytest.fixture(params=DRESSES)
def dress(request: pytest.FixtureRequest, configure: Give, crowd: Crowd) -> dict[str, Any]:
    """What a request to bolt says besides; the resolvers are asked for the host first, as the docs say."""
    crowd.join(PERSON, "acme")
    configure(
        RESOLVERS=[
            "multi_tenant.resolvers.DomainResolver",
            ("multi_tenant.resolvers.HeaderResolver", {"name": "X-Tenant"}),
            ("multi_tenant.resolvers.QueryResolver", {"name": "tenant"}),
            ("multi_tenant.resolvers.PathResolver", {"prefix": "t"}),
        ],
        TRUSTED_PROXIES=["127.0.0.1"],
    )
    return DRESSES[request.param]


def test_a_session_cookie(crowd: Crowd, dress: dict[str, Any]) -> None:
    client = signed_in("acme", PERSON)
    thief = visitor("bolt")
    thief.cookies.update(client.cookies)
    assert thief.get("/who/", **dress).json()["user"] == ""
    assert client.get("/who/", **dress).json()["user"]  # the control


def test_a_link_for_a_new_password(crowd: Crowd, dress: dict[str, Any]) -> None:
    ask_for_link("acme", PERSON)
    [link] = links()
    thief = visitor("bolt")
    thief.defaults.update(dress)
    assert not follow(thief, link)
    assert not follow(visitor("public"), link)
    assert follow(visitor("acme"), link)  # the control


def test_an_invitation(crowd: Crowd, dress: dict[str, Any]) -> None:
    with tenant_context("acme"):
        token = invite("new@example.com").token
    path, form = (
        f"/people/invitation/{token}/",
        {"new-username": "new", "new-password1": "Gf7!xyzw", "new-password2": "Gf7!xyzw"},
    )
    assert visitor("bolt").get(path, **dress).status_code == 404
    assert visitor("bolt").post(path, form, **dress).status_code == 404
    with tenant_context("bolt"), pytest.raises(InvitationError):
        accept(token, crowd.keys["member"])
    assert not Membership.objects.filter(user_id=crowd.keys["member"], tenant=crowd.tenants["bolt"]).exists()
    assert visitor("acme").get(path).status_code == 200  # the control


def test_a_signed_cookie(crowd: Crowd, dress: dict[str, Any]) -> None:
    client = visitor("acme")
    client.get("/sign/?word=secret")
    thief = visitor("bolt")
    thief.cookies.update(client.cookies)
    assert thief.get("/sign/", **dress).json() == {"word": None}
    thief = visitor("public")
    thief.cookies.update(client.cookies)
    assert thief.get("/sign/").json() == {"word": None}
    assert client.get("/sign/").json() == {"word": "secret"}  # the control


def test_a_cookie_of_the_public_site(crowd: Crowd) -> None:
    client = visitor("public")
    client.get("/sign/?word=secret")
    assert client.get("/sign/").json() == {"word": "secret"}
    thief = visitor("acme")
    thief.cookies.update(client.cookies)
    assert thief.get("/sign/").json() == {"word": None}


def test_a_session_that_chose_a_tenant_by_prefix_is_of_that_tenant(crowd: Crowd, configure: Give) -> None:
    crowd.join(PERSON, "acme")
    configure(RESOLVERS=[("multi_tenant.resolvers.PathResolver", {"prefix": "t"})])
    client = visitor("public")
    form = {"username": "member-of-another-tenant", "password": "a secret that all share"}
    assert client.post("/t/acme/accounts/login/", form).status_code == 302
    names = {prefix: client.get(f"{prefix}/who/").json()["user"] for prefix in ("/t/acme", "/t/bolt", "")}
    assert names == {"/t/acme": "member-of-another-tenant", "/t/bolt": "", "": ""}
    assert client.get("/t/acme/who/").json()["user"]  # the visits elsewhere did no harm
