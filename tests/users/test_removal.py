"""Whoever leaves a tenant loses all it may do there, and nobody else loses a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import ProtectedError
from django.test import RequestFactory

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.models import Tenant
from multi_tenant.users.joining import add_member, invite, remove_member
from multi_tenant.users.members import find_member
from multi_tenant.users.models import Membership
from tests.testapp.staff.models import Ally, Desk, Employee, Note

pytestmark = pytest.mark.django_db
User = get_user_model()


def by_instance(key: Any) -> Any:
    return User.objects.get(pk=key).delete()


def by_queryset(key: Any) -> Any:
    return User.objects.filter(pk=key).delete()


def by_proxy(key: Any) -> Any:
    return Ally.objects.get(pk=key).delete()


def by_removal(key: Any) -> Any:
    return remove_member(key)


WAYS = [by_instance, by_queryset, by_proxy, by_removal]


@pytest.fixture
def chief(ann: Any, acme: Tenant) -> Any:
    """A member with every kind of authority, who has written nothing yet."""
    with tenant_context(acme):
        member = User.objects.get()
        member.is_staff = member.is_superuser = True
        member.save()
        member.groups.add(Group.objects.create(name="chiefs"))
        member.user_permissions.add(Permission.objects.all()[0])
    return ann


@pytest.mark.parametrize("way", WAYS)
def test_a_row_that_nothing_points_to_goes(way: Callable[[Any], Any], chief: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        way(chief.pk)
        assert not User.objects.exists()
        assert Group.objects.count() == 1
        assert find_member(chief.pk) is None
    assert User.objects.get().check_password("secret of ann")
    assert not Membership.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_row_that_others_point_to_stays_without_authority(
    way: Callable[[Any], Any], chief: Any, acme: Tenant
) -> None:
    with tenant_context(acme):
        Note.objects.create(author=User.objects.get(), text="kept")
        way(chief.pk)
        assert Note.objects.get().author.username == "ann"
        row = User.objects.get()
        assert (row.is_staff, row.is_superuser) == (False, False)
        assert not row.groups.exists()
        assert not row.user_permissions.exists()
        assert find_member(chief.pk) is None
    assert not Membership.objects.exists()


def test_what_was_deleted_is_counted_as_django_does(chief: Any, mia: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    with tenant_context(acme):
        Note.objects.create(author=User.objects.get(pk=chief.pk))
        counted, by_model = User.objects.all().delete()
        assert (counted, by_model) == (1, {"multi_tenant_users.GlobalUser": 1})
        member = User.objects.get()
        assert member.delete() == (0, {})
        assert member.pk == chief.pk


def test_what_a_queryset_of_djangos_refuses_is_refused(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        with pytest.raises(TypeError, match="limit"):
            User.objects.all()[:1].delete()
        with pytest.raises(TypeError, match="values"):
            User.objects.values("pk").delete()
        with pytest.raises(IdentityProtectedError):
            User.objects.all()._raw_delete("acme")


def test_a_row_that_extends_another_goes_with_it(acme: Tenant) -> None:
    with tenant_context(acme):
        employee = Employee.objects.create(username="carl", desk=Desk.objects.create())
        key = employee.id
        employee.delete()
        assert not User.objects.exists()
        assert Desk.objects.exists()
        other = Employee.objects.create(username="dora")
        User.objects.get(pk=other.pk).delete()
        assert Employee.objects.get().username == "dora"
    assert User.objects.filter(pk=key).exists()


def test_no_member_goes_along_with_what_it_points_to(acme: Tenant) -> None:
    with tenant_context(acme):
        desk = Desk.objects.create()
        Employee.objects.create(username="carl", desk=desk)
        with pytest.raises(IdentityProtectedError, match="along with"), transaction.atomic():
            desk.delete()
        with pytest.raises(IdentityProtectedError, match="along with"), transaction.atomic():
            Desk.objects.all().delete()
        assert (Desk.objects.count(), Employee.objects.count(), User.objects.count()) == (1, 1, 1)


def test_the_admin_removes_members(chief: Any, mia: Any, acme: Tenant, rf: RequestFactory) -> None:
    add_member(mia, acme)
    people = UserAdmin(User, admin.site)
    with tenant_context(acme):
        people.delete_queryset(rf.post("/"), User.objects.filter(pk=mia.pk))
        people.delete_model(rf.post("/"), User.objects.get(pk=chief.pk))
        assert not User.objects.exists()
    assert User.objects.count() == 2


def test_an_identity_with_memberships_is_not_deleted(ann: Any) -> None:
    with pytest.raises(ProtectedError):
        User.objects.get().delete()
    with pytest.raises(ProtectedError):
        User.objects.all().delete()
    assert User.objects.count() == 1


def test_an_identity_without_memberships_is_deleted(mia: Any, ann: Any, acme: Tenant) -> None:
    mia.delete()
    remove_member(ann, acme)
    User.objects.filter(pk=ann.pk).delete()
    assert not User.objects.exists()


def test_a_member_leaves_one_tenant_alone(ann: Any, acme: Tenant, bolt: Tenant) -> None:
    add_member(ann.pk, bolt, is_staff=True)
    with tenant_context(acme):
        by_instance(ann.pk)
    with tenant_context(bolt):
        member = find_member(ann.pk)
        assert member is not None
        assert member.is_staff


def test_a_member_without_a_row_is_removed(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        by_instance(ann.pk)
    Membership.objects.create(user=User.objects.get(), tenant=acme)
    remove_member(ann.pk, acme)
    assert not Membership.objects.exists()


def test_a_tenant_that_is_purged_takes_its_memberships_along(ann: Any, acme: Tenant) -> None:
    invite("mia@example.com", tenant=acme)
    acme.delete()
    assert not Membership.objects.exists()
    User.objects.get().delete()
