"""What the backends answer: members in a tenant, identities in public, and what each of them may do there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import OperationalError

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import RegistryUnavailableError, WrongTenantError
from multi_tenant.models import Domain
from multi_tenant.users.backends import GlobalUserBackend
from multi_tenant.users.joining import suspend_member
from tests.middleware.drivers import HostClient
from tests.users.crowd import PASSWORD, Crowd, in_this_thread, name_of, visitor, who

pytestmark = pytest.mark.django_db
PERM = "library.add_author"
STOCK = "django.contrib.auth.backends.ModelBackend"
OURS = "multi_tenant.users.backends.GlobalUserBackend"
REMOTE = "multi_tenant.users.backends.GlobalRemoteUserBackend"


def answered(place: str, person: str, password: str = PASSWORD) -> Any:
    context = public_context() if place == "public" else tenant_context(place)
    with context:
        return authenticate(None, username=name_of(person), password=password)


@pytest.mark.parametrize("backend", [OURS, STOCK])
def test_a_password_opens_what_its_person_belongs_to(crowd: Crowd, settings: Any, backend: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    crowd.end_times()
    opened = {
        person: [place for place in ("public", "acme", "bolt") if answered(place, person)] for person in crowd.keys
    }
    assert opened == {
        "platform staff": ["public"],
        "platform superuser": ["public"],
        "member": ["public", "acme"],
        "tenant staff": ["public", "acme"],
        "tenant superuser": ["public", "acme"],
        "member of another tenant": ["public", "bolt"],
        "suspended member": ["public"],
        "former member": ["public"],
        "deactivated identity": [],
    }
    assert answered("acme", "member", "wrong") is None


@pytest.mark.parametrize("backend", [OURS, STOCK])
def test_what_is_answered_in_a_tenant_is_its_row(crowd: Crowd, settings: Any, backend: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    member = answered("acme", "tenant staff")
    assert (member._state.db, member.is_staff, member.backend) == ("acme", True, backend)
    assert answered("public", "tenant staff").is_staff is False


@pytest.mark.parametrize("backend", [OURS, STOCK])
@in_this_thread
async def test_coroutines_are_answered_the_same(acme: Any, settings: Any, backend: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    make = sync_to_async(tenant_context(acme)(get_user_model().objects.create_user))
    ann = await make("ann", "ann@example.com", PASSWORD)
    async with tenant_context(acme):
        member: Any = await aauthenticate(None, username="ann", password=PASSWORD)
        assert member._state.db == "acme"
        assert await aauthenticate(None, username="ann", password="wrong") is None
        await sync_to_async(suspend_member)(ann)
        assert await aauthenticate(None, username="ann", password=PASSWORD) is None
    async with public_context():
        identity: Any = await aauthenticate(None, username="ann", password=PASSWORD)
    assert identity._state.db == "public"


class Elsewhere(GlobalUserBackend):
    """A backend that hands out the platform's users wherever it is asked."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> Any:
        return get_user_model().objects.using("public").get(username=username)

    def get_user(self, user_id: Any) -> Any:
        return get_user_model().objects.using("public").get(pk=user_id)


def test_a_platforms_user_is_never_handed_out_in_a_tenant(crowd: Crowd, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Elsewhere"]
    assert answered("acme", "platform superuser") is None
    assert answered("acme", "member")._state.db == "acme"
    client = visitor("acme")
    client.post("/accounts/login/", {"username": "member", "password": "any"})
    assert client.get("/who/").json()["db"] == "acme"
    suspend_member(crowd.keys["member"], crowd.tenants["acme"])
    assert who(client) == ""


@pytest.mark.parametrize("person", ["member", "platform superuser"])
def test_a_remote_user_is_let_in_as_a_member(crowd: Crowd, settings: Any, person: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [REMOTE]
    at = settings.MIDDLEWARE.index("multi_tenant.users.middleware.MemberMiddleware")
    for place in (at, at + 1):
        settings.MIDDLEWARE = [*settings.MIDDLEWARE]
        settings.MIDDLEWARE.insert(place, "django.contrib.auth.middleware.RemoteUserMiddleware")
        answer = visitor("acme").get("/who/", REMOTE_USER=name_of(person))
        assert answer.json()["user"] == ("member" if person == "member" else "")
        assert visitor("public").get("/who/", REMOTE_USER=name_of(person)).json()["user"]
        settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "RemoteUser" not in each]


def test_a_remote_user_is_made_on_the_public_site_alone(crowd: Crowd, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [REMOTE]
    with tenant_context("acme"):
        assert authenticate(None, remote_user="stranger") is None
    people = get_user_model().objects.filter(username="stranger")
    assert not people.exists()
    assert authenticate(None, remote_user="stranger")
    assert people.exists()


@in_this_thread
async def test_a_remote_user_is_let_in_by_a_coroutine(ann: Any, acme: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [REMOTE]
    async with tenant_context(acme):
        assert await aauthenticate(None, remote_user="ann")
        assert await aauthenticate(None, remote_user="stranger") is None


def permit(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(codename=codename, content_type__app_label=app)


def test_permissions_are_those_of_the_place(crowd: Crowd) -> None:
    crowd.join("member", "bolt")
    with tenant_context("acme"):
        get_user_model().objects.get(username="member").user_permissions.add(permit(PERM))
    assert answered("public", "member").get_all_permissions() == set()
    with tenant_context("bolt"):
        assert get_user_model().objects.get(username="member").get_all_permissions() == set()
    with tenant_context("acme"):
        member = get_user_model().objects.get(username="member")
        assert member.get_user_permissions() == member.get_all_permissions() == {PERM}
        assert (member.get_group_permissions(), member.has_perms([PERM])) == (set(), True)
        assert (member.has_perm(PERM), member.has_perm(PERM, obj=member)) == (True, False)
        assert (member.has_module_perms("library"), member.has_module_perms("auth")) == (True, False)


ASKED: dict[str, Callable[[Any], Any]] = {
    "has_perm": lambda user: user.has_perm(PERM),
    "has_perms": lambda user: user.has_perms([PERM]),
    "has_module_perms": lambda user: user.has_module_perms("library"),
    "get_all_permissions": lambda user: user.get_all_permissions(),
    "get_user_permissions": lambda user: user.get_user_permissions(),
    "get_group_permissions": lambda user: user.get_group_permissions(),
}


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("place", ["bolt", "public"])
def test_what_was_kept_of_one_tenant_is_no_answer_elsewhere(crowd: Crowd, question: str, place: str) -> None:
    with tenant_context("acme"):
        member = get_user_model().objects.get(username="tenant-superuser")
        assert ASKED[question](member)
    with tenant_context(place) if place == "bolt" else public_context(), pytest.raises(WrongTenantError):
        ASKED[question](member)


@pytest.mark.parametrize("question", ASKED)
def test_the_platforms_superuser_may_do_nothing_in_a_tenant(crowd: Crowd, question: str) -> None:
    root = get_user_model().objects.get(username="platform-superuser")
    assert ASKED[question](root)
    with tenant_context("acme"), pytest.raises(WrongTenantError):
        ASKED[question](root)


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("person", ["suspended member", "deactivated identity"])
def test_whose_time_has_ended_may_do_nothing(crowd: Crowd, question: str, person: str) -> None:
    with tenant_context("acme"):
        assert ASKED[question](get_user_model().objects.get(username=name_of(person)))
    crowd.end_times()
    with tenant_context("acme"):
        row = get_user_model().objects.get(username=name_of(person))
        assert row.is_superuser
        assert not ASKED[question](row)


@in_this_thread
async def test_coroutines_ask_the_same(ann: Any, acme: Any, bolt: Any) -> None:
    def promote() -> None:
        ann.is_superuser = True
        ann.save()

    await sync_to_async(tenant_context(acme)(promote))()
    questions: list[Callable[[], Any]] = [
        lambda: ann.ahas_perm(PERM),
        lambda: ann.ahas_perms([PERM]),
        lambda: ann.ahas_module_perms("library"),
        ann.aget_all_permissions,
        ann.aget_user_permissions,
        ann.aget_group_permissions,
    ]
    async with tenant_context(acme):
        assert all([await ask() for ask in questions])
    async with tenant_context(bolt):
        for ask in questions:
            with pytest.raises(WrongTenantError):
                await ask()


@pytest.mark.parametrize("is_active", [True, False, None])
def test_who_has_a_permission_is_an_active_member(crowd: Crowd, is_active: bool | None) -> None:
    with tenant_context("acme"):
        group = Group.objects.create(name="authors")
        group.permissions.add(permit(PERM))
        get_user_model().objects.get(username="member").groups.add(group)
    crowd.end_times()
    with tenant_context("acme"):
        found = get_user_model().objects.with_perm(PERM, is_active=is_active)
        names = set(found.values_list("username", flat=True))
        without = set(get_user_model().objects.with_perm(PERM, include_superusers=False))
        of_object = get_user_model().objects.with_perm(PERM, obj=group)
        assert list(of_object) == []
    active, ended = {"member", "tenant-superuser"}, {"suspended-member", "deactivated-identity"}
    assert names == {True: active, False: ended, None: active | ended}[is_active]
    assert {one.username for one in without} == {"member"}


def test_who_has_a_permission_on_the_platform_is_as_in_django(crowd: Crowd) -> None:
    crowd.end_times()
    names = get_user_model().objects.with_perm("billing.add_plan").values_list("username", flat=True)
    assert set(names) == {"platform-superuser"}


@pytest.mark.parametrize("is_away", [True, False])
@in_this_thread
async def test_an_outage_is_told_as_such(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(get_user_model().objects, "get_by_natural_key", fail)
    monkeypatch.setattr(get_user_model().objects, "aget_by_natural_key", fail)
    monkeypatch.setattr("multi_tenant.users.public.is_away", lambda: is_away)
    monkeypatch.setattr("multi_tenant.users.backends.is_away", lambda: is_away)
    expected: type[Exception] = RegistryUnavailableError if is_away else OperationalError
    with pytest.raises(expected):
        await sync_to_async(authenticate)(None, username="ann", password="any")
    with pytest.raises(expected):
        await aauthenticate(None, username="ann", password="any")
    settings.AUTHENTICATION_BACKENDS = [REMOTE]
    monkeypatch.setattr(get_user_model().objects, "aget_or_create", fail)
    with pytest.raises(expected):
        await aauthenticate(None, remote_user="ann")


@in_this_thread
async def test_a_member_signs_in_under_asgi(ann: Any, acme: Any, settings: Any) -> None:
    settings.SITE_ID = 1
    client = HostClient("acme.example.com")
    await sync_to_async(Domain.objects.create)(host="acme.example.com", tenant=acme)
    await client.post("/accounts/login/", {"username": "ann", "password": "secret of ann"})
    for path in ("/who/", "/awho/"):
        assert (await client.get(path)).json()["user"] == "ann"
