"""What is between a request and its user: Django's own middleware go on working, and nobody slips past."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context, tenant_context
from multi_tenant.users.middleware import MemberMiddleware
from tests.middleware.drivers import HostClient
from tests.users.crowd import PASSWORD, Crowd, in_this_thread, signed_in, visitor, who

pytestmark = pytest.mark.django_db
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
STOCK = "django.contrib.auth.backends.ModelBackend"


def request_with(user: Any) -> Any:
    """A request, and what the middleware makes of it."""

    async def auser() -> Any:
        return user

    request: Any = HttpRequest()
    request.user, request.auser = user, auser
    MemberMiddleware(lambda request: HttpResponse())(request)
    return request


def row_of(name: str) -> Any:
    return get_user_model().objects.get(username=name)


def test_the_user_is_found_when_it_is_first_asked_for(crowd: Crowd, django_assert_num_queries: Any) -> None:
    identity = row_of("member")
    with tenant_context("acme"):
        with django_assert_num_queries(0):
            request = request_with(identity)
        assert (request.user._state.db, request.user.username) == ("acme", "member")


def test_the_user_is_of_the_requests_place_wherever_it_is_asked_for(crowd: Crowd) -> None:
    identity = row_of("tenant superuser".replace(" ", "-"))
    with tenant_context("acme"):
        request = request_with(identity)
    with public_context():
        assert request.user.is_superuser
    with tenant_context("acme"):
        later = request_with(identity)
    with fixed_context(UNDECIDED_PLACE):
        assert later.user._state.db == "acme"


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_stays_nobody(crowd: Crowd, user: Any) -> None:
    with tenant_context("acme"):
        assert request_with(user or AnonymousUser()).user == AnonymousUser()


@in_this_thread
async def test_a_coroutine_gets_the_same(crowd: Crowd) -> None:
    client = HostClient("acme.example.com")
    for person, name in (("member", "member"), ("platform-superuser", "")):
        await client.post("/accounts/login/", {"username": person, "password": PASSWORD})
        assert (await client.get("/awho/")).json()["user"] == name
        await client.post("/accounts/logout/")


def test_who_asks_is_the_same_for_views_and_coroutines(crowd: Crowd) -> None:
    for person, name in (("member", "member"), ("platform superuser", ""), ("anonymous", "")):
        client = signed_in("acme", person)
        assert client.get("/who/").json() == client.get("/awho/").json()
        assert who(client) == name


@pytest.mark.parametrize("person", ["member", "platform superuser", "anonymous"])
def test_djangos_own_login_required_asks_the_member(crowd: Crowd, settings: Any, person: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    answer = signed_in("acme", person).get("/who/")
    assert answer.status_code == (200 if person == "member" else 302)


def test_djangos_own_backend_will_do(crowd: Crowd, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [STOCK]
    client = signed_in("acme", "tenant staff")
    told = client.get("/who/").json()
    assert told == {"user": "tenant-staff", "is_staff": True, "db": "acme"}
    assert client.get("/awho/").json() == told
    suspended = signed_in("acme", "suspended member")
    assert who(suspended) == "suspended-member"
    crowd.end_times()
    assert who(suspended) == ""
    assert who(signed_in("acme", "suspended member")) == ""


def test_a_cookie_of_ones_own_that_leads_nowhere_is_deleted_as_ever(crowd: Crowd) -> None:
    client = signed_in("acme", "member")
    with tenant_context("acme"):
        client.session.flush()
    assert who(client) == ""
    assert client.cookies["sessionid"].value == ""


def test_a_cookie_that_is_no_session_of_this_place_is_left_alone(crowd: Crowd) -> None:
    client = visitor("acme")
    client.cookies["sessionid"] = "x" * 32
    assert who(client) == ""
    assert client.cookies["sessionid"].value == "x" * 32
