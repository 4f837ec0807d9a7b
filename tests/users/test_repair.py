"""What a process that was killed between the two databases has left is repaired, and nobody gains by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connections, transaction

from multi_tenant.context import tenant_context
from multi_tenant.models import Tenant
from multi_tenant.users import repair
from multi_tenant.users.joining import add_member, suspend_member
from multi_tenant.users.models import Membership
from multi_tenant.users.repair import Repairs, restore_row, sync_members
from tests.lifecycle import forks
from tests.testapp.staff.models import Note

pytestmark = pytest.mark.django_db
User = get_user_model()
NOTHING = Repairs(made=0, refreshed=0, stripped=0)


def repaired(tenant: Tenant) -> Repairs:
    """What a repair does; another one finds nothing to do."""
    with tenant_context(tenant):
        done = sync_members()
        assert sync_members() == NOTHING
    return done


def lose_rows(tenant: Tenant) -> None:
    with tenant_context(tenant), connections[tenant.alias].cursor() as cursor:
        cursor.execute("DELETE FROM multi_tenant_users_globaluser")


def test_where_all_is_well_nothing_is_done(ann: Any, mia: Any, acme: Tenant) -> None:
    add_member(mia, acme, is_staff=True)
    suspend_member(mia, acme)
    assert repaired(acme) == NOTHING
    with tenant_context(acme):
        assert User.objects.get(pk=mia.pk).is_staff


def test_a_row_that_is_missing_is_made(ann: Any, acme: Tenant) -> None:
    lose_rows(acme)
    assert repaired(acme) == Repairs(made=1, refreshed=0, stripped=0)
    with tenant_context(acme):
        assert User.objects.values_list("username", "password", "is_staff").get() == ("ann", "!", False)


def test_copies_are_refreshed(ann: Any, mia: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    for user, name in ((ann, "other"), (mia, "ann"), (ann, "mia")):
        User.objects.filter(pk=user.pk).update(username=name)
    assert repaired(acme) == Repairs(made=0, refreshed=2, stripped=0)
    with tenant_context(acme):
        assert User.objects.get(pk=ann.pk).username == "mia"


def test_many_are_done_some_at_a_time(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "BATCH", 2)
    for name in "abcde":
        add_member(User.objects.create_user(name), acme)
    lose_rows(acme)
    assert repaired(acme).made == 5


def test_who_has_no_membership_has_no_authority(ann: Any, mia: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        User.objects.update(is_superuser=True)
        member = User.objects.get()
        member.groups.add(Group.objects.create(name="chiefs"))
        Note.objects.create(author=member)
    Membership.objects.all().delete()
    assert repaired(acme) == Repairs(made=0, refreshed=0, stripped=1)
    with tenant_context(acme):
        member = Note.objects.get().author
        assert (member.is_superuser, member.groups.exists()) == (False, False)


def test_who_joins_meanwhile_is_not_stripped(ann: Any, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with tenant_context(acme):
        User.objects.update(is_staff=True)
    monkeypatch.setattr(repair, "strangers", lambda: [ann.pk])
    assert repaired(acme) == NOTHING


def test_nobody_else_gets_a_row(mia: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        assert restore_row(mia.pk) is None
        assert not User.objects.exists()


def killed(call: Callable[[], Any], *, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "ROOMS", ("multi_tenant.users.",))
    forks.killed(call, at=at)


def make_carl(tenant: Tenant) -> None:
    with tenant_context(tenant):
        User.objects.create_superuser("carl", "carl@example.com", "secret of carl")


def make_carl_in_a_block(tenant: Tenant) -> None:
    with tenant_context(tenant), transaction.atomic():
        User.objects.create_superuser("carl", "carl@example.com", "secret of carl")


@pytest.mark.django_db(transaction=True)
def test_killed_before_the_tenants_write_nothing_is_left(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(lambda: make_carl(acme), at="return make_identity", monkeypatch=monkeypatch)
    assert not User.objects.exists()
    make_carl(acme)


@pytest.mark.django_db(transaction=True)
def test_killed_between_the_tenants_commit_and_public_a_row_is_stripped(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(lambda: make_carl(acme), at="return add_member_row", monkeypatch=monkeypatch)
    assert not User.objects.exists()
    with tenant_context(acme):
        assert User.objects.get().is_superuser
    assert repaired(acme) == Repairs(made=0, refreshed=0, stripped=1)
    make_carl(acme)
    with tenant_context(acme):
        assert User.objects.get(username="carl").is_superuser


@pytest.mark.django_db(transaction=True)
def test_killed_in_a_block_of_the_tenants_a_row_is_made(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(lambda: make_carl_in_a_block(acme), at="return write_member_row", monkeypatch=monkeypatch)
    assert User.objects.get().check_password("secret of carl")
    assert repaired(acme) == Repairs(made=1, refreshed=0, stripped=0)
    with tenant_context(acme):
        assert User.objects.values_list("username", "is_superuser").get() == ("carl", False)


@pytest.mark.django_db(transaction=True)
def test_killed_while_who_somebody_is_changes_the_copy_follows_public(
    ann: Any, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename() -> None:
        with tenant_context(acme):
            member = User.objects.get()
            member.username = "anna"
            member.save()

    killed(rename, at="return write_here", monkeypatch=monkeypatch)
    assert User.objects.get().username == "ann"
    with tenant_context(acme):
        assert User.objects.get().username == "anna"
    assert repaired(acme) == Repairs(made=0, refreshed=1, stripped=0)
