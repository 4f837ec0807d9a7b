"""The page of an invitation, and the mail that leads to it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client

from multi_tenant.context import tenant_context
from multi_tenant.models import Domain, Tenant
from multi_tenant.users.joining import add_member, invite
from multi_tenant.users.models import Invitation, Membership

pytestmark = pytest.mark.django_db
NEW = {"new-username": "eve", "new-password1": "a long secret of eve", "new-password2": "a long secret of eve"}


def page_of(acme: Tenant, **authority: Any) -> str:
    with tenant_context(acme):
        return f"/people/invitation/{invite('eve@example.com', authority=authority).token}/"


def member_of(tenant: Tenant, name: str) -> Any:
    with tenant_context(tenant):
        return get_user_model().objects.filter(username=name).first()


def test_who_is_new_signs_up_and_is_a_member(at_acme: Client, acme: Tenant) -> None:
    answer = at_acme.post(page_of(acme, is_staff=True), NEW)
    assert answer.status_code == 302, answer.content
    assert at_acme.get("/who/").json() == {"user": "eve", "is_staff": True, "db": "acme"}
    assert get_user_model().objects.get(username="eve").email == "eve@example.com"


def test_who_has_an_account_joins_with_it(at_acme: Client, acme: Tenant, bolt: Tenant) -> None:
    eve = get_user_model().objects.create_user("eve", password="secret")
    add_member(eve, bolt)
    page = page_of(acme)
    assert b"Join" in at_acme.get(page).content
    answer = at_acme.post(page, {"person-username": "eve", "person-password": "secret"})
    assert answer.status_code == 302, answer.content
    assert at_acme.get("/who/").json()["db"] == "acme"


def test_a_wrong_password_joins_nobody(at_acme: Client, acme: Tenant) -> None:
    get_user_model().objects.create_user("eve", password="secret")
    page = page_of(acme)
    answer = at_acme.post(page, {"person-username": "eve", "person-password": "guessed"})
    assert answer.status_code == 200
    assert member_of(acme, "eve") is None
    assert at_acme.post(page, {"person-username": "eve", "person-password": "secret"}).status_code == 302


def test_an_invitation_works_once(at_acme: Client, acme: Tenant) -> None:
    page = page_of(acme)
    assert at_acme.post(page, NEW).status_code == 302
    again = Client(headers={"host": "acme.example.com"}).post(page, {**NEW, "new-username": "mallory"})
    assert again.status_code == 404
    assert not get_user_model().objects.filter(username="mallory").exists()


def test_an_invitation_of_one_tenant_is_nothing_in_another(at_acme: Client, acme: Tenant, bolt: Tenant) -> None:
    page = page_of(acme)
    Domain.objects.create(host="bolt.example.com", tenant=bolt)
    assert Client(headers={"host": "bolt.example.com"}).post(page, NEW).status_code == 404
    assert not get_user_model().objects.filter(username="eve").exists()
    assert at_acme.get(page).headers["Referrer-Policy"] == "no-referrer"


def test_an_invitation_to_a_group_that_is_gone_is_refused_and_makes_nobody(at_acme: Client, acme: Tenant) -> None:
    with tenant_context(acme):
        Group.objects.create(name="editors")
    page = page_of(acme, groups=["editors"])
    with tenant_context(acme):
        Group.objects.all().delete()
    assert at_acme.post(page, NEW).status_code == 404
    assert not get_user_model().objects.filter(username="eve").exists()
    with tenant_context(acme):
        Group.objects.create(name="editors")
    assert at_acme.post(page, NEW).status_code == 302


@pytest.mark.parametrize(("password", "is_told"), [("", False), ("1", False), ("a long secret of eve", True)])
def test_names_are_not_tried_out_without_making_an_account(
    password: str, is_told: bool, at_acme: Client, acme: Tenant, settings: Any
) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
    get_user_model().objects.create_user("eve", password="secret")
    tried = {**NEW, "new-password1": password, "new-password2": password}
    answer = at_acme.post(page_of(acme), tried)
    assert answer.status_code == 200
    assert (b"already exists" in answer.content) is is_told


def test_nobody_is_joined_by_a_form_on_another_site(at_acme: Client, acme: Tenant) -> None:
    page = page_of(acme)
    stranger = Client(enforce_csrf_checks=True, headers={"host": "acme.example.com"})
    assert stranger.post(page, NEW).status_code == 403
    token = stranger.get(page).cookies["csrftoken"].value
    assert stranger.post(page, {**NEW, "csrfmiddlewaretoken": token}).status_code == 302


@pytest.fixture
def chief(acme: Tenant) -> Client:
    """The browser of acme's superuser."""
    with tenant_context(acme):
        get_user_model().objects.create_superuser("chief", password="secret")
    Domain.objects.create(host="acme.example.com", tenant=acme)
    browser = Client(headers={"host": "acme.example.com"})
    assert browser.post("/accounts/login/", {"username": "chief", "password": "secret"}).status_code == 302
    return browser


@pytest.mark.parametrize("known", [False, True], ids=["nobody", "somebody"])
def test_a_tenants_admin_invites_and_learns_nothing(known: bool, chief: Client, acme: Tenant) -> None:
    if known:
        get_user_model().objects.create_user("eve", "eve@example.com", "secret")
    answer = chief.post("/admin/multi_tenant_users/globaluser/add/", {"email": "eve@example.com"}, follow=True)
    assert "An invitation is on its way to eve@example.com." in answer.content.decode()
    assert not get_user_model().objects.filter(username="eve").exists() or known
    [letter] = mail.outbox
    page = re.search(r"http://acme\.example\.com(\S+)", str(letter.body))
    assert page is not None
    answer = Client(headers={"host": "acme.example.com"}).get(page[1])
    assert answer.status_code == 200


def test_a_tenants_admin_shows_who_a_person_is_and_sets_what_it_may_do(chief: Client, acme: Tenant, ann: Any) -> None:
    page = f"/admin/multi_tenant_users/globaluser/{ann.pk}/change/"
    shown = chief.get(page).content.decode()
    assert "ann@example.com" in shown
    assert 'name="email"' not in shown
    assert 'name="is_staff"' in shown
    answer = chief.post(page, {"is_staff": "on", "email": "mallory@example.com", "username": "mallory"})
    assert answer.status_code == 302, answer.content
    assert member_of(acme, "ann").is_staff
    assert get_user_model().objects.get(pk=ann.pk).email == "ann@example.com"
    assert chief.get(f"/admin/multi_tenant_users/globaluser/{ann.pk}/password/").status_code == 404


def test_the_public_admin_has_identities_memberships_and_invitations(acme: Tenant, ann: Any, configure: Any) -> None:
    configure(PUBLIC_HOSTS=["www.example.com"])
    get_user_model().objects.create_superuser("root", password="secret")
    page_of(acme)
    browser = Client(headers={"host": "www.example.com"})
    assert browser.login(username="root", password="secret")
    for path, text in [
        (f"globaluser/{ann.pk}/change/", "ann@example.com"),
        ("membership/", "ann"),
        ("membership/add/", "tenant"),
        ("invitation/", "eve@example.com"),
    ]:
        answer = browser.get(f"/admin/multi_tenant_users/{path}")
        assert answer.status_code == 200, path
        assert text in answer.content.decode()


@pytest.fixture
def clerk(chief: Client, acme: Tenant) -> Client:
    """The browser of one of acme's staff, who may add people, and may not change them."""
    with tenant_context(acme):
        clerk = get_user_model().objects.create_user("clerk", password="secret", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="add_globaluser"))
        Group.objects.create(name="clerks").permissions.add(Permission.objects.get(codename="add_globaluser"))
        Group.objects.create(name="lords").permissions.add(Permission.objects.get(codename="change_globaluser"))
    browser = Client(headers={"host": "acme.example.com"})
    assert browser.post("/accounts/login/", {"username": "clerk", "password": "secret"}).status_code == 302
    return browser


@pytest.mark.parametrize(
    ("group", "browser", "status"), [("lords", "clerk", 200), ("clerks", "clerk", 302), ("lords", "chief", 302)]
)
def test_nobody_offers_a_group_that_may_do_more_than_he_may(
    group: str, browser: str, status: int, clerk: Client, chief: Client, acme: Tenant
) -> None:
    with tenant_context(acme):
        key = Group.objects.get(name=group).pk
    offer = {"email": "eve@example.com", "groups": [key], "is_superuser": "on" if browser == "clerk" else ""}
    page = {"clerk": clerk, "chief": chief}[browser]
    assert page.post("/admin/multi_tenant_users/globaluser/add/", offer).status_code == status
    assert Invitation.objects.count() == (status == 302)
    assert not Invitation.objects.filter(authority__is_superuser=True).exists()


@pytest.mark.parametrize("way", ["page", "inline"])
def test_a_membership_that_is_added_in_the_public_admin_brings_no_old_authority(
    way: str, acme: Tenant, ann: Any, configure: Any
) -> None:
    configure(PUBLIC_HOSTS=["www.example.com"])
    get_user_model().objects.create_superuser("root", password="secret")
    with tenant_context(acme):
        get_user_model().objects.filter(pk=ann.pk).update(is_superuser=True, is_staff=True)
    Membership.objects.filter(user_id=ann.pk).delete()
    assert member_of(acme, "ann").is_superuser  # the row knows nothing of it
    browser = Client(headers={"host": "www.example.com"})
    assert browser.login(username="root", password="secret")
    page, filled = {
        "page": ("membership/add/", {"user": ann.pk, "tenant": acme.pk, "is_active": "on"}),
        "inline": (f"globaluser/{ann.pk}/change/", inline_of(ann, acme)),
    }[way]
    answer = browser.post(f"/admin/multi_tenant_users/{page}", filled)
    assert answer.status_code == 302, answer.content
    assert Membership.objects.filter(user_id=ann.pk, tenant=acme).exists()
    member = member_of(acme, "ann")
    assert (member.is_superuser, member.is_staff) == (False, False)


def inline_of(person: Any, tenant: Tenant) -> dict[str, Any]:
    """What a browser sends to add a membership on a person's page."""
    row = {"tenant": tenant.pk, "is_active": "on", "user": person.pk}
    counts = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 0}
    return {
        "username": "ann",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        **{f"memberships-{name}": value for name, value in counts.items()},
        **{f"memberships-0-{name}": value for name, value in row.items()},
    }
