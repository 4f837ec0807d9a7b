"""People come to belong to tenants by the platform or by an invitation, and cease to without a loss."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import (
    IdentityProtectedError,
    InvalidAuthorityError,
    InvitationError,
    NoTenantError,
    TenantUnavailableError,
    WrongTenantError,
)
from multi_tenant.models import Tenant
from multi_tenant.signals import member_added, member_removed
from multi_tenant.users.joining import (
    accept,
    add_member,
    invite,
    remove_member,
    resume_member,
    revoke,
    suspend_member,
)
from multi_tenant.users.members import find_member
from multi_tenant.users.models import Invitation, Membership

pytestmark = pytest.mark.django_db
User = get_user_model()


def member_in(tenant: Tenant, user: Any) -> Any:
    with tenant_context(tenant):
        return find_member(user.pk)


@pytest.fixture
def editors(acme: Tenant) -> None:
    with tenant_context(acme):
        Group.objects.create(name="editors")


def test_who_is_added_has_the_authority_that_was_said(mia: Any, acme: Tenant, editors: None) -> None:
    add_member(mia, acme, is_staff=True, groups=["editors"])
    member = member_in(acme, mia)
    assert (member.username, member.is_staff, member.is_superuser) == ("mia", True, False)
    with tenant_context(acme):
        assert [group.name for group in member.groups.all()] == ["editors"]
    assert not User.objects.get(pk=mia.pk).is_staff


def test_adding_twice_is_adding_once(mia: Any, acme: Tenant) -> None:
    first = add_member(mia, acme)
    assert add_member(mia.pk, acme, is_superuser=True) == first
    assert not member_in(acme, mia).is_superuser


def test_nobody_is_added_from_within_a_tenant(mia: Any, acme: Tenant) -> None:
    with tenant_context(acme), pytest.raises(IdentityProtectedError, match="invite"):
        add_member(mia.pk, acme)


@pytest.mark.parametrize("authority", [{"groups": ["strangers"]}, {"is_admin": True}])
def test_authority_that_the_tenant_does_not_know_is_refused(authority: dict[str, Any], acme: Tenant) -> None:
    with pytest.raises(InvalidAuthorityError):
        invite("mia@example.com", tenant=acme, authority=authority)


def test_a_group_that_is_missing_adds_nobody(mia: Any, acme: Tenant) -> None:
    with pytest.raises(InvalidAuthorityError):
        add_member(mia, acme, groups=["strangers"])
    assert not Membership.objects.exists()


def test_an_invitation_makes_a_member_with_its_authority(mia: Any, acme: Tenant, editors: None) -> None:
    with tenant_context(acme):
        token = invite("mia@example.com", authority={"is_staff": True, "groups": ["editors"]}).token
    accept(token, mia)
    member = member_in(acme, mia)
    assert member.is_staff
    with tenant_context(acme):
        assert member.groups.get().name == "editors"


def test_an_invitation_is_accepted_within_its_tenant(mia: Any, acme: Tenant) -> None:
    token = invite("mia@example.com", tenant=acme).token
    with tenant_context(acme):
        accept(token, mia.pk)
        assert find_member(mia.pk) is not None


def test_an_invitation_is_unknown_in_another_tenant(mia: Any, acme: Tenant, bolt: Tenant) -> None:
    token = invite("mia@example.com", tenant=acme).token
    with tenant_context(bolt), pytest.raises(InvitationError) as refused:
        accept(token, mia.pk)
    assert refused.value.reason == "unknown"
    accept(token, mia)


def test_a_token_is_not_kept(acme: Tenant) -> None:
    invitation = invite("mia@example.com", tenant=acme)
    kept = Invitation.objects.values().get()
    assert invitation.token not in str(kept)
    assert len(invitation.token) >= 40


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("expired", {"expires_at": timezone.now() - timedelta(seconds=1)}),
        ("revoked", {"revoked_at": timezone.now()}),
        ("used", {"accepted_at": timezone.now()}),
        ("unknown", {"digest": "another"}),
    ],
)
def test_an_invitation_that_is_over_lets_nobody_in(reason: str, change: Any, mia: Any, acme: Tenant) -> None:
    token = invite("mia@example.com", tenant=acme).token
    Invitation.objects.update(**change)
    with pytest.raises(InvitationError) as refused:
        accept(token, mia)
    assert refused.value.reason == reason
    assert not Membership.objects.exists()


def test_an_invitation_works_once(mia: Any, bob: Any, acme: Tenant) -> None:
    token = invite("mia@example.com", tenant=acme).token
    accept(token, mia)
    with pytest.raises(InvitationError, match="used"):
        accept(token, bob)


def test_an_invitation_expires_after_the_setting(acme: Tenant, configure: Callable[..., None]) -> None:
    configure(INVITATION_TTL=60)
    invitation = invite("mia@example.com", tenant=acme)
    assert invitation.expires_at - invitation.created_at <= timedelta(seconds=60)


def test_an_invitation_is_revoked_once_and_for_all(mia: Any, acme: Tenant) -> None:
    invitation = invite("mia@example.com", tenant=acme)
    revoke(invitation)
    with pytest.raises(InvitationError, match="revoked"):
        accept(invitation.token, mia)


def test_an_accepted_invitation_is_not_revoked(mia: Any, acme: Tenant) -> None:
    invitation = invite("mia@example.com", tenant=acme)
    accept(invitation.token, mia)
    revoke(invitation.pk)
    assert Invitation.objects.get().revoked_at is None


def test_an_acceptance_that_fails_leaves_the_invitation(mia: Any, acme: Tenant, editors: None) -> None:
    token = invite("mia@example.com", tenant=acme, authority={"groups": ["editors"]}).token
    with tenant_context(acme):
        Group.objects.get().delete()
    with pytest.raises(InvalidAuthorityError):
        accept(token, mia)
    assert Invitation.objects.get().accepted_at is None


def test_a_suspended_tenant_accepts_nobody(mia: Any, acme: Tenant) -> None:
    token = invite("mia@example.com", tenant=acme).token
    acme.state = "suspended"
    acme.save()
    with pytest.raises(TenantUnavailableError):
        accept(token, mia)
    assert Invitation.objects.get().accepted_at is None


def test_a_suspended_member_is_nobody_and_keeps_its_authority(mia: Any, acme: Tenant) -> None:
    add_member(mia, acme, is_staff=True)
    suspend_member(mia, acme)
    assert member_in(acme, mia) is None
    resume_member(mia, acme)
    assert member_in(acme, mia).is_staff


def test_an_invitation_does_not_end_a_suspension(mia: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    token = invite("mia@example.com", tenant=acme).token
    suspend_member(mia, acme)
    accept(token, mia)
    assert member_in(acme, mia) is None


def test_members_are_managed_by_their_tenant_and_by_no_other(mia: Any, acme: Tenant, bolt: Tenant) -> None:
    add_member(mia, acme)
    with tenant_context(bolt):
        for change in (suspend_member, resume_member, remove_member):
            with pytest.raises(WrongTenantError):
                change(mia, acme)
        with pytest.raises(WrongTenantError):
            invite("mia@example.com", tenant="acme")
    with tenant_context(acme):
        remove_member(mia.pk)
        assert find_member(mia.pk) is None


def test_without_a_tenant_one_is_named(mia: Any) -> None:
    with pytest.raises(NoTenantError, match="Name the tenant"):
        remove_member(mia)


def test_who_comes_back_has_the_new_authority_alone(mia: Any, acme: Tenant) -> None:
    add_member(mia, acme, is_superuser=True)
    remove_member(mia, acme)
    assert member_in(acme, mia) is None
    add_member(mia, acme, is_staff=True)
    member = member_in(acme, mia)
    assert (member.is_staff, member.is_superuser) == (True, False)


def test_signals_tell_of_members(
    mia: Any, acme: Tenant, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    heard: list[Any] = []

    def hear(signal: Any, key: Any, tenant: Any, **kwargs: Any) -> None:
        heard.append((signal, key, tenant.alias, User.objects.filter(pk=key).first() is not None))

    member_added.connect(hear)
    member_removed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(using="public", execute=True):
            add_member(mia, acme)
        with django_capture_on_commit_callbacks(using="public", execute=True):
            remove_member(mia, acme)
            remove_member(mia, acme)
    finally:
        member_added.disconnect(hear)
        member_removed.disconnect(hear)
    assert heard == [(member_added, mia.pk, "acme", True), (member_removed, mia.pk, "acme", False)]


def test_what_a_member_has_offered_is_taken_back_when_it_leaves(mia: Any, acme: Tenant, bolt: Tenant) -> None:
    chief, other = (User.objects.create_user(name) for name in ("chief", "other"))
    for tenant, member in [(acme, chief), (acme, other), (bolt, chief)]:
        add_member(member, tenant, is_superuser=True)
    offers = [
        invite("mia@example.com", tenant=tenant, invited_by=by)
        for tenant, by in [(acme, chief), (acme, other), (bolt, chief)]
    ]
    remove_member(chief, acme)
    with pytest.raises(InvitationError, match="revoked"):
        accept(offers[0].token, mia)
    accept(offers[1].token, mia)
    accept(offers[2].token, mia)


def test_what_a_suspended_member_has_offered_is_taken_back(mia: Any, acme: Tenant) -> None:
    chief = User.objects.create_user("chief")
    add_member(chief, acme, is_superuser=True)
    offer = invite("mia@example.com", tenant=acme, invited_by=chief)
    suspend_member(chief, acme)
    with pytest.raises(InvitationError, match="revoked"):
        accept(offer.token, mia)


def test_a_former_member_comes_back_with_what_is_given_anew(mia: Any, acme: Tenant, editors: None) -> None:
    membership = add_member(mia, acme, is_superuser=True, groups=["editors"])
    membership.delete()  # as the admin of the public site does, and no code of the tenant
    add_member(mia, acme, is_staff=True)
    member = member_in(acme, mia)
    assert (member.is_staff, member.is_superuser) == (True, False)
    with tenant_context(acme):
        assert not member.groups.exists()


def test_what_a_deactivated_person_has_offered_cannot_be_accepted(mia: Any, acme: Tenant) -> None:
    chief = User.objects.create_user("chief")
    add_member(chief, acme, is_superuser=True)
    offer = invite("mia@example.com", tenant=acme, invited_by=chief)
    User.objects.filter(pk=chief.pk).update(is_active=False)
    with pytest.raises(InvitationError, match="revoked"):
        accept(offer.token, mia)
    User.objects.filter(pk=chief.pk).update(is_active=True)
    accept(offer.token, mia)
