"""Passwords by Django's own views and mails: the identity's, wherever the person is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.contrib.sites.models import Site
from django.core import mail
from django.test import Client
from django.utils import timezone

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.users.joining import suspend_member
from tests.users.crowd import PASSWORD, Crowd, in_this_thread, name_of, signed_in, visitor, who

pytestmark = pytest.mark.django_db
NEW = {"new_password1": "quite another one", "new_password2": "quite another one"}
SLOW = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]


def identity_of(person: str) -> Any:
    return get_user_model().objects.get(username=name_of(person))


def member_of(person: str) -> Any:
    """The member as a tenant's query answers it."""
    return get_user_model().objects.get(username=name_of(person))


def links() -> list[str]:
    """The paths that were mailed."""
    return [re.sub(r"^https?://[^/]+", "", str(message.body)) for message in mail.outbox]


def ask_for_link(place: str, person: str) -> Any:
    return visitor(place).post("/accounts/password_reset/", {"email": f"{name_of(person)}@example.com"})


def follow(client: Client, link: str) -> bool:
    """Set a new password by a link, and tell whether that was possible."""
    page = client.get(link, follow=True)
    if not page.context["validlink"]:
        return False
    return bool(client.post(page.redirect_chain[-1][0], NEW).status_code == 302)


@pytest.mark.parametrize("place", ["public", "acme"])
def test_a_password_is_changed_for_all_places(crowd: Crowd, place: str) -> None:
    client = signed_in(place, "member")
    assert client.post("/accounts/password_change/", {"old_password": PASSWORD, **NEW}).status_code == 302
    assert identity_of("member").check_password(NEW["new_password1"])
    with tenant_context("acme"):
        assert member_of("member").__dict__["password"] == "!"
    assert who(signed_in("acme", "member", password=NEW["new_password1"])) == "member"
    assert who(signed_in("acme", "member")) == ""


@pytest.mark.parametrize("place", ["public", "acme"])
def test_a_forgotten_password_is_set_by_a_link_that_works_once(crowd: Crowd, place: str) -> None:
    ask_for_link(place, "member")
    [link] = links()
    assert follow(visitor(place), link)
    assert who(signed_in("acme", "member", password=NEW["new_password1"])) == "member"
    assert not follow(visitor(place), link)


@pytest.mark.parametrize("place", ["public", "acme"])
def test_a_link_ends_with_a_sign_in(crowd: Crowd, place: str) -> None:
    ask_for_link(place, "member")
    identity = identity_of("member")
    identity.last_login = timezone.now() + timedelta(minutes=1)
    identity.save()
    assert not follow(visitor(place), links()[0])


def test_no_link_is_mailed_but_to_active_members_and_the_answer_is_the_same(crowd: Crowd) -> None:
    crowd.end_times()
    answers = {person: ask_for_link("acme", person) for person in crowd.keys}
    answers["nobody at all"] = ask_for_link("acme", "nobody at all")
    assert len({(answer.status_code, answer.headers["Location"]) for answer in answers.values()}) == 1
    assert {message.to[0] for message in mail.outbox} == {
        f"{name_of(person)}@example.com" for person in ("member", "tenant staff", "tenant superuser")
    }


def test_a_link_goes_to_the_address_that_the_identity_has_by_now(crowd: Crowd) -> None:
    identity = identity_of("member")
    identity.email = "moved@example.com"
    identity.save()
    visitor("acme").post("/accounts/password_reset/", {"email": "member@example.com"})
    assert mail.outbox == []
    visitor("acme").post("/accounts/password_reset/", {"email": "moved@example.com"})
    assert [message.to for message in mail.outbox] == [["moved@example.com"]]


def test_a_link_is_no_use_to_who_is_suspended_meanwhile(crowd: Crowd) -> None:
    ask_for_link("acme", "member")
    suspend_member(crowd.keys["member"], crowd.tenants["acme"])
    assert not follow(visitor("acme"), links()[0])


def test_a_token_is_bound_though_its_generator_says_nothing_of_users(crowd: Crowd) -> None:
    class Confirmation(PasswordResetTokenGenerator):
        def _make_hash_value(self, user: Any, timestamp: int) -> str:
            return f"{user.pk}{timestamp}"

    crowd.join("member", "bolt")
    with tenant_context("acme"):
        token = Confirmation().make_token(member_of("member"))
        assert Confirmation().check_token(member_of("member"), token)
    with tenant_context("bolt"):
        assert not Confirmation().check_token(member_of("member"), token)
    assert not Confirmation().check_token(identity_of("member"), token)


def test_a_row_of_a_tenant_makes_the_token_of_its_identity(crowd: Crowd) -> None:
    with tenant_context("acme"):
        token = default_token_generator.make_token(member_of("member"))
        with public_context():
            identity = identity_of("member")
            identity.set_password("another")
            identity.save()
        assert not default_token_generator.check_token(member_of("member"), token)


def test_a_hash_is_upgraded_where_it_is(crowd: Crowd, settings: Any) -> None:
    settings.PASSWORD_HASHERS = SLOW
    assert who(signed_in("acme", "member")) == "member"
    assert identify_hasher(identity_of("member").password).algorithm == "scrypt"


def test_a_hash_is_upgraded_by_whoever_knows_the_password(crowd: Crowd, settings: Any) -> None:
    crowd.join("member", "bolt")
    settings.PASSWORD_HASHERS = SLOW
    with tenant_context("acme"):
        assert not member_of("member").check_password("wrong")
        assert member_of("member").check_password(PASSWORD)
    assert identify_hasher(identity_of("member").password).algorithm == "scrypt"


@in_this_thread
async def test_a_row_of_a_tenant_knows_its_identitys_password(db: None) -> None:
    user = get_user_model()(password="!")
    assert not await user.acheck_password("!")


def test_a_last_login_is_noted_for_all_places(crowd: Crowd) -> None:
    crowd.join("member", "bolt")
    signed_in("acme", "member")
    noted = identity_of("member").last_login
    assert noted is not None
    with tenant_context("acme"):
        assert member_of("member").last_login is None
    client = signed_in("bolt", "member")
    assert client.get("/last-login/").json()["last_login"] > noted.isoformat()


def test_nobody_sets_the_password_of_another_in_a_tenant(crowd: Crowd) -> None:
    crowd.join("member", "bolt")
    with tenant_context("acme"):
        form = SetPasswordForm(member_of("member"), NEW)
        assert form.is_valid()
        with pytest.raises(IdentityProtectedError):
            form.save()
    assert identity_of("member").check_password(PASSWORD)


def test_the_same_work_is_done_whoever_is_asked_for(
    crowd: Crowd, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd.end_times()
    from django.contrib.auth.hashers import MD5PasswordHasher

    runs: list[str] = []
    encode = MD5PasswordHasher.encode

    def noted(self: Any, password: str, salt: str) -> Any:
        runs.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", noted)
    work: dict[str, int] = {}
    for person in (*crowd.keys, "nobody at all"):
        with tenant_context("acme"):
            authenticate(None, username=name_of(person), password="wrong")
        work[person] = len(runs)
        runs.clear()
    assert set(work.values()) == {1}


def test_a_link_leads_where_it_was_asked_for_whatever_the_tenant_calls_its_site(crowd: Crowd) -> None:
    with tenant_context("acme"):
        Site.objects.update(domain="evil.example", name="evil.example")
    ask_for_link("acme", "member")
    [message] = mail.outbox
    assert "://acme.example.com/" in str(message.body)
    assert "evil.example" not in f"{message.subject} {message.body}"


def test_a_link_of_the_public_site_names_the_platforms_site(crowd: Crowd) -> None:
    ask_for_link("public", "member")
    [message] = mail.outbox
    assert f"://{Site.objects.get_current().domain}/" in str(message.body)
