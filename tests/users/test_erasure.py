"""An erased person is unknowable in public and in each tenant, and what others made stays."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from multi_tenant.context import tenant_context
from multi_tenant.models import Tenant
from multi_tenant.users.erasure import erase, find_person
from multi_tenant.users.joining import add_member, invite, remove_member
from multi_tenant.users.members import find_member
from multi_tenant.users.models import Invitation, Membership
from tests.testapp.staff.models import Note

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def known(ann: Any, acme: Tenant, bolt: Tenant) -> Any:
    """A person with a note in acme, authority everywhere, a session at each place, and invitations."""
    User.objects.filter(pk=ann.pk).update(is_staff=True, first_name="Ann", last_name="Archer")
    add_member(ann.pk, bolt, is_superuser=True)
    begin_session(ann)
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            find_member(ann.pk)
            begin_session(ann)
            Note.objects.create(author_id=ann.pk, text=tenant.alias)
    invite("ANN@example.com", tenant=acme)
    invite("mia@example.com", tenant=acme, invited_by=ann)
    return User.objects.get()


def begin_session(user: Any) -> None:
    for key in (user.pk, "of somebody else"):
        session = SessionStore()
        session["_auth_user_id"] = str(key)
        session.save()


def run(identity: Any) -> list[str]:
    """Erase, and answer the aliases of tenants that failed."""
    return [outcome.alias for outcome in erase(identity) if outcome.error is not None]


def says_nothing(user: Any) -> bool:
    told = " ".join(str(value) for name, value in vars(user).items() if not name.startswith("_"))
    return not any(word in told for word in ("ann@", "Ann", "Archer", "'ann'")) and user.username != "ann"


def test_nothing_tells_any_more_who_it_was(known: Any, acme: Tenant, bolt: Tenant) -> None:
    assert run(known) == []
    identity = User.objects.get()
    assert says_nothing(identity)
    assert [identity.is_active, identity.is_staff, identity.has_usable_password()] == [False] * 3
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            member = Note.objects.get().author
            assert member.pk == known.pk
            assert says_nothing(member)
            assert [member.is_superuser, member.is_staff] == [False] * 2
            assert find_member(known.pk) is None
            assert Session.objects.count() == 1
    assert Session.objects.count() == 1
    assert not Membership.objects.exists()
    offer = Invitation.objects.get()
    assert (offer.email, offer.invited_by) == ("mia@example.com", None)
    assert offer.revoked_at is not None


def test_rows_of_former_members_are_erased_too(known: Any, acme: Tenant) -> None:
    remove_member(known, acme)
    run(known)
    with tenant_context(acme):
        assert says_nothing(User.objects.get())


def test_a_suspended_tenant_is_no_hiding_place(known: Any, acme: Tenant) -> None:
    acme.state = "suspended"
    acme.save()
    assert run(known) == []
    with tenant_context(acme, any_state=True):
        assert says_nothing(User.objects.get())


def test_a_membership_of_a_deleted_tenant_ends(known: Any, acme: Tenant) -> None:
    acme.state = "deleted"
    acme.save()
    assert run(known) == []
    assert not Membership.objects.exists()


def test_where_a_tenant_fails_another_run_goes_on(known: Any, bolt: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_reach(self: Any) -> None:
        if self._state.db == "bolt":
            raise ConnectionError("bolt is out of reach")
        stock(self)

    stock = User.anonymise
    with monkeypatch.context() as patch:
        patch.setattr(User, "anonymise", out_of_reach)
        assert run(known) == ["bolt"]
    assert says_nothing(User.objects.get())
    assert Membership.objects.get().tenant == bolt
    found = find_person(str(known.pk))
    assert run(found) == []
    with tenant_context(bolt):
        assert says_nothing(User.objects.get())
    assert not Membership.objects.exists()


def test_groups_stay(known: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        User.objects.get().groups.add(Group.objects.create(name="chiefs"))
    run(known)
    with tenant_context(acme):
        assert not Group.objects.get().user_set.exists()


def test_two_are_erased(known: Any, bob: Any, acme: Tenant) -> None:
    add_member(bob.pk, acme)
    for name in ("ann", "bob"):
        assert run(find_person(name)) == []
    assert User.objects.filter(is_active=False).count() == 2


def test_nobody_is_found_by_what_is_no_name(db: None) -> None:
    assert find_person("nobody") is None
