"""A visitor of the public site goes on in a tenant of its own, and nobody in that of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.signing import dumps
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import NoTenantError
from multi_tenant.registry.store import store
from multi_tenant.users.credentials import SALT, issue_credential
from multi_tenant.users.joining import remove_member, suspend_member
from multi_tenant.users.resolvers import CHOICE
from tests.middleware.drivers import HostClient
from tests.testapp.library.models import Author
from tests.users.crowd import PASSWORD, Crowd, in_this_thread, signed_in, visitor, who

pytestmark = pytest.mark.django_db
SESSION = "multi_tenant.users.resolvers.SessionResolver"
USER = "multi_tenant.users.resolvers.UserResolver"
CREDENTIAL = "multi_tenant.users.resolvers.CredentialResolver"
Configure = Callable[..., None]


class NamedResolver:
    """A project's own, which answers an alias."""

    def resolve(self, request: Any) -> Any:
        return request.GET.get("take-me-to")


class AsyncNamedResolver(NamedResolver):
    """One with a twin."""

    async def aresolve(self, request: Any) -> Any:
        return "acme"


class PlaceNoted:
    """A middleware behind the members', whose ``process_view`` notes whether a transaction is open."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(self, request: Any, *args: Any) -> None:
        connection = connections["default"]
        blocks = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
        request.seen = [connection.alias, bool(blocks)]


@pytest.fixture(autouse=True)
def _both(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBER_RESOLVERS=[CREDENTIAL, SESSION])
    crowd.join("tenant staff", "bolt")


def choose(client: Client, crowd: Crowd, alias: str, **more: str) -> Any:
    tenant = str(crowd.tenants[alias].uuid) if alias else ""
    return client.post("/people/tenants/switch/", {"tenant": tenant, **more})


@pytest.fixture
def staff() -> Client:
    """Somebody who is signed in to the public site, and a member of both tenants, staff in one of them."""
    return signed_in("public", "tenant staff")


def place_of(client: Client) -> tuple[str, bool]:
    told = client.get("/where/").json()
    assert told["tenant"] == (None if told["alias"] == "public" else told["alias"])
    return told["alias"], told["is_staff"]


def test_a_visitor_goes_where_it_has_chosen(staff: Client, crowd: Crowd) -> None:
    assert place_of(staff) == ("public", False)
    for alias, is_staff in (("acme", True), ("bolt", False), ("acme", True), ("", False)):
        assert choose(staff, crowd, alias).status_code == 302
        assert place_of(staff) == (alias or "public", is_staff)


def test_what_is_no_tenant_of_ones_own_is_not_found(crowd: Crowd) -> None:
    client = signed_in("public", "member")
    answers = [
        choose(client, crowd, "bolt"),
        client.post("/people/tenants/switch/", {"tenant": str(uuid4())}),
        client.post("/people/tenants/switch/", {"tenant": "nonsense"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert place_of(client) == ("public", False)


def test_one_is_asked_to_sign_in_first(crowd: Crowd) -> None:
    assert "/accounts/login/" in choose(visitor("public"), crowd, "acme").headers["Location"]


def test_a_switch_is_posted_with_a_token(crowd: Crowd) -> None:
    client = signed_in("public", "member")
    client.handler.enforce_csrf_checks = True
    assert choose(client, crowd, "acme").status_code == 403
    assert client.get("/people/tenants/switch/").status_code == 405


@pytest.mark.parametrize(("given", "led"), [("/who/", "/who/"), ("https://evil.example/", "/"), ("//evil", "/")])
def test_one_is_led_to_no_other_site(staff: Client, crowd: Crowd, given: str, led: str) -> None:
    assert choose(staff, crowd, "acme", next=given).headers["Location"] == led


def test_the_page_lists_ones_own_tenants(staff: Client, crowd: Crowd) -> None:
    suspend_member(crowd.keys["tenant staff"], crowd.tenants["bolt"])
    choose(staff, crowd, "acme")
    context = staff.get("/people/tenants/").context
    assert [(one["alias"], one["is_current"]) for one in context["tenants"]] == [("acme", True)]
    assert context["chosen"] is True
    other = signed_in("public", "platform superuser").get("/people/tenants/")
    assert other.context["tenants"] == []
    assert "You belong to no tenant." in other.content.decode()


def test_a_choice_ends_with_the_membership(staff: Client, crowd: Crowd) -> None:
    choose(staff, crowd, "acme")
    remove_member(crowd.keys["tenant staff"], crowd.tenants["acme"])
    assert place_of(staff) == ("public", False)


def test_a_choice_ends_with_the_tenant(staff: Client, crowd: Crowd) -> None:
    choose(staff, crowd, "acme")
    crowd.tenants["acme"].state = "suspended"
    crowd.tenants["acme"].save()
    store.clear()
    assert place_of(staff) == ("public", False)


def test_a_choice_is_of_a_tenant_and_not_of_an_alias(staff: Client, crowd: Crowd) -> None:
    session = staff.session
    session[CHOICE] = ["acme", str(uuid4())]
    session.save()
    assert place_of(staff) == ("public", False)
    session[CHOICE] = "nonsense"
    session.save()
    assert place_of(staff) == ("public", False)


def test_a_choice_ends_with_the_session(staff: Client, crowd: Crowd) -> None:
    choose(staff, crowd, "acme")
    staff.post("/accounts/logout/")
    assert place_of(staff) == ("public", False)


def test_the_view_runs_in_the_tenants_transaction(
    staff: Client, crowd: Crowd, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(staff, crowd, "acme")
    with tenant_context("acme"):  # connections that are made later copy it
        monkeypatch.setitem(connections["acme"].settings_dict, "ATOMIC_REQUESTS", True)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.PlaceNoted"]
    client = visitor("public")
    client.cookies.update(staff.cookies)
    client.raise_request_exception = False
    told = client.get("/where/").json()
    assert (told["seen"], told["atomic"]) == (["acme", False], ["acme"])
    assert client.get("/fail/").status_code == 500
    with tenant_context("acme"):
        assert not Author.objects.filter(name="lost").exists()


def test_the_body_is_streamed_in_the_tenant(staff: Client, crowd: Crowd) -> None:
    choose(staff, crowd, "acme")
    with tenant_context("acme"):
        people = get_user_model().objects.count()
    assert staff.get("/stream/").getvalue().decode() == f"acme:{people} " * 2


@in_this_thread
async def test_coroutines_go_on_too(crowd: Crowd, settings: Any) -> None:
    client = HostClient("public.example.com")
    form = {"username": "tenant-staff", "password": PASSWORD}
    await client.post("/accounts/login/", form)
    tenant = {"tenant": str(crowd.tenants["acme"].uuid)}
    assert (await client.post("/people/tenants/switch/", tenant)).status_code == 302
    for path in ("/where/", "/awhere/"):
        told = (await client.get(path)).json()
        assert (told["alias"], told["user"], told["is_staff"]) == ("acme", "tenant-staff", True)
    answer: Any = await client.get("/stream/")
    assert (await sync_to_async(b"".join)(answer.streaming_content)).startswith(b"acme:")


def test_the_session_stays_the_public_sites(staff: Client, crowd: Crowd) -> None:
    choose(staff, crowd, "acme")
    form = {"old_password": PASSWORD, "new_password1": "another one", "new_password2": "another one"}
    assert staff.post("/accounts/password_change/", form).status_code == 302
    assert place_of(staff) == ("acme", True)
    staff.get("/keep/?word=kept")
    assert staff.get("/keep/").json() == {"word": "kept"}
    choose(staff, crowd, "")
    assert (place_of(staff), who(staff)) == (("public", False), "tenant-staff")
    assert staff.get("/keep/").json() == {"word": "kept"}


def test_one_may_sign_in_within_the_tenant_as_somebody_else(staff: Client, crowd: Crowd) -> None:
    choose(staff, crowd, "acme")
    staff.post("/accounts/login/", {"username": "member", "password": PASSWORD})
    assert (place_of(staff), who(staff)) == (("public", False), "member")


def test_who_has_one_tenant_is_taken_there(crowd: Crowd, configure: Configure, staff: Client) -> None:
    configure(MEMBER_RESOLVERS=[USER])
    assert place_of(signed_in("public", "tenant superuser")) == ("acme", True)
    assert place_of(staff) == ("public", False)  # it has two
    assert place_of(signed_in("public", "platform superuser")) == ("public", True)
    assert place_of(visitor("public")) == ("public", False)


def test_at_a_tenants_own_address_nobody_is_taken_elsewhere(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBER_RESOLVERS=[USER], SESSION_SCOPE="site")
    assert place_of(signed_in("bolt", "tenant superuser")) == ("bolt", False)


def test_a_health_check_is_left_alone(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBER_RESOLVERS=[USER], HEALTH_PATHS=["/where/"])
    assert place_of(signed_in("public", "tenant superuser")) == ("public", False)


@pytest.mark.parametrize("resolver", ["NamedResolver", "AsyncNamedResolver"])
def test_a_resolver_of_ones_own_opens_to_members_alone(crowd: Crowd, configure: Configure, resolver: str) -> None:
    configure(MEMBER_RESOLVERS=[f"{__name__}.{resolver}"])
    query = {"take-me-to": "acme"}
    answers = {
        person: signed_in("public", person).get("/where/", query).json()["alias"]
        for person in ("member", "platform superuser", "member of another tenant", "anonymous")
    }
    assert answers == {**dict.fromkeys(answers, "public"), "member": "acme"}
    assert signed_in("public", "member").get("/where/", {"take-me-to": "no-such"}).json()["alias"] == "public"


@in_this_thread
async def test_a_twin_is_asked_by_coroutines(crowd: Crowd, configure: Configure) -> None:
    configure(MEMBER_RESOLVERS=[f"{__name__}.AsyncNamedResolver"])
    client = HostClient("public.example.com")
    await client.post("/accounts/login/", {"username": "member", "password": PASSWORD})
    assert (await client.get("/awhere/")).json()["alias"] == "acme"


def credential(person: str, alias: str = "acme", *, seconds: float = 1_000) -> str:
    with tenant_context(alias):
        return f"Tenant {issue_credential(get_user_model().objects.get(username=person), seconds=seconds)}"


def test_a_credential_leads_to_its_tenant(crowd: Crowd) -> None:
    told = visitor("public").get("/where/", headers={"authorization": credential("tenant-staff")}).json()
    assert (told["alias"], told["user"], told["is_staff"]) == ("acme", "tenant-staff", True)
    assert visitor("public").get("/where/", headers={"authorization": "Basic any"}).json()["alias"] == "public"


@in_this_thread
async def test_a_coroutine_is_led_too(crowd: Crowd) -> None:
    text = await sync_to_async(credential)("tenant-staff")
    client, headers = HostClient("public.example.com"), {"authorization": text}
    assert (await client.get("/awhere/", headers=headers)).json()["user"] == "tenant-staff"
    wrong = {**headers, "authorization": f"{text}x"}
    assert (await client.get("/awhere/", headers=wrong)).status_code == 403


def end_password(crowd: Crowd) -> None:
    identity = get_user_model().objects.get(pk=crowd.keys["member"])
    identity.set_password("another")
    identity.save()


ENDS: dict[str, Callable[[Crowd], Any]] = {
    "membership suspended": lambda crowd: suspend_member(crowd.keys["member"], crowd.tenants["acme"]),
    "membership ended": lambda crowd: remove_member(crowd.keys["member"], crowd.tenants["acme"]),
    "password": end_password,
    "identity": lambda crowd: get_user_model().objects.filter(pk=crowd.keys["member"]).update(is_active=False),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_credential_ends(crowd: Crowd, end: str) -> None:
    headers = {"authorization": credential("member")}
    assert visitor("public").get("/where/", headers=headers).status_code == 200
    ENDS[end](crowd)
    assert visitor("public").get("/where/", headers=headers).status_code == 403


@pytest.mark.parametrize("salt", [None, SALT, "another"])
def test_a_credential_that_is_not_right_is_refused(crowd: Crowd, salt: str | None) -> None:
    text = dumps(["acme"], salt=salt) if salt else "x"
    assert visitor("public").get("/where/", headers={"authorization": f"Tenant {text}"}).status_code == 403


def test_a_credential_has_its_time(crowd: Crowd) -> None:
    headers = {"authorization": credential("member", seconds=-1)}
    assert visitor("public").get("/where/", headers=headers).status_code == 403


def test_a_credential_is_for_one_tenant(crowd: Crowd) -> None:
    with pytest.raises(NoTenantError):
        issue_credential(get_user_model().objects.get(username="member"), seconds=10)


def test_a_credential_for_a_tenant_that_is_not_served_gets_its_page(crowd: Crowd) -> None:
    headers = {"authorization": credential("member")}
    crowd.tenants["acme"].state = "suspended"
    crowd.tenants["acme"].save()
    store.clear()
    answer = visitor("public").get("/where/", headers=headers)
    assert (answer.status_code, "suspended" in answer.content.decode()) == (403, True)


@in_this_thread
async def test_a_coroutine_gets_that_page_too(crowd: Crowd) -> None:
    headers = {"authorization": await sync_to_async(credential)("member")}
    crowd.tenants["acme"].state = "suspended"
    await sync_to_async(crowd.tenants["acme"].save)()
    store.clear()
    answer = await HostClient("public.example.com").get("/awhere/", headers=headers)
    assert (answer.status_code, "suspended" in answer.content.decode()) == (403, True)


SELECTED = [
    ("multi_tenant.resolvers.HeaderResolver", {"name": "X-Tenant"}),
    ("multi_tenant.resolvers.QueryResolver", {"name": "tenant"}),
]


@pytest.mark.parametrize("way", [{"headers": {"x-tenant": "acme"}}, {"query_params": {"tenant": "acme"}}])
def test_a_tenant_that_was_only_selected_is_open_to_members_alone(
    crowd: Crowd, configure: Configure, way: dict[str, Any]
) -> None:
    configure(RESOLVERS=SELECTED, TRUSTED_PROXIES=["127.0.0.1"], SESSION_SCOPE="site")
    assert visitor("public").get("/where/", **way).status_code == 302
    assert visitor("public").get("/accounts/login/", **way).status_code == 200
    client = visitor("public")
    client.post("/accounts/login/", {"username": "member", "password": PASSWORD}, **way)
    assert client.get("/where/", **way).json()["alias"] == "acme"
    suspend_member(crowd.keys["member"], crowd.tenants["acme"])
    assert client.get("/where/", **way).status_code == 302


@in_this_thread
async def test_a_tenant_that_was_only_selected_is_closed_to_coroutines_of_others(
    crowd: Crowd, configure: Configure
) -> None:
    configure(RESOLVERS=SELECTED)
    client = HostClient("public.example.com")
    assert (await client.get("/awhere/", {"tenant": "acme"})).status_code == 302
    assert (await client.get("/awhere/")).json()["alias"] == "public"
