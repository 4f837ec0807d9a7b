"""Two processes that do the same to people at once do it once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import IdentityProtectedError, InvitationError
from multi_tenant.models import Tenant
from multi_tenant.users.joining import accept, add_member, invite, remove_member
from multi_tenant.users.models import Membership
from tests.lifecycle.forks import REFUSED, end, start

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()


@pytest.fixture(autouse=True)
def used(acme: Tenant, bolt: Tenant) -> Iterator[None]:
    """Has what other processes wrote to the tenants flushed: this one must have used them."""
    yield
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            User.objects.exists()


def public(call: Callable[[], Any]) -> Callable[[], Any]:
    """A call of the platform's: a forked process is nowhere."""
    return public_context()(call)


def at_once(*calls: Callable[[], Any]) -> list[int]:
    """How processes ended that began at one moment."""
    gate, opener = os.pipe()
    pids = [start(call, gate=gate) for call in calls]
    os.write(opener, b"." * len(calls))
    codes = sorted(end(pid) for pid in pids)
    os.close(gate)
    os.close(opener)
    return codes


def or_refused(call: Callable[[], Any]) -> Callable[[], Any]:
    """A call whose refusal is told by the exit code of its process."""

    def run() -> None:
        try:
            call()
        except (IdentityProtectedError, InvitationError) as exc:
            raise ValueError from exc

    return run


def test_adding_a_member_twice_at_once_makes_one(mia: Any, acme: Tenant) -> None:
    add = public(lambda: add_member(mia.pk, acme, is_staff=True))
    assert at_once(add, add) == [0, 0]
    assert Membership.objects.count() == 1
    with tenant_context(acme):
        assert User.objects.get().is_staff


def test_accepting_an_invitation_twice_at_once_makes_one(mia: Any, bob: Any, acme: Tenant) -> None:
    token = invite("mia@example.com", tenant=acme, authority={"is_staff": True}).token
    mine, yours = (or_refused(lambda key=key: accept(token, key)) for key in (mia.pk, bob.pk))  # type: ignore[misc]
    assert at_once(mine, yours) == [0, REFUSED]
    assert Membership.objects.filter(tenant=acme).count() == 1
    with tenant_context(acme):
        assert User.objects.get().is_staff


def test_a_name_is_made_once_in_two_tenants(acme: Tenant, bolt: Tenant) -> None:
    def make(tenant: Tenant) -> None:
        with tenant_context(tenant):
            User.objects.create_user("carl")

    assert at_once(or_refused(lambda: make(acme)), or_refused(lambda: make(bolt))) == [0, REFUSED]
    assert User.objects.count() == Membership.objects.count() == 1


def test_whoever_joins_elsewhere_is_not_changed_at_that_moment(ann: Any, acme: Tenant, bolt: Tenant) -> None:
    def change() -> None:
        with tenant_context(acme):
            member = User.objects.get()
            member.email = "eve@example.com"
            member.save()

    codes = at_once(or_refused(change), public(lambda: add_member(ann.pk, bolt)))
    with tenant_context(bolt):
        copied = User.objects.get().email
    email = User.objects.get().email
    assert copied == email == ("ann@example.com" if REFUSED in codes else "eve@example.com")


def test_adding_and_removing_at_once_leaves_either(mia: Any, acme: Tenant) -> None:
    add_member(mia, acme, is_staff=True)
    assert at_once(lambda: remove_member(mia.pk, acme), public(lambda: add_member(mia.pk, acme))) == [0, 0]
    with tenant_context(acme):
        assert User.objects.filter(is_staff=True).count() == 0
        assert User.objects.count() == Membership.objects.count()
