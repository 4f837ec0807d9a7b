"""People are looked for, made and given passwords by Django's own ways, in public and in a tenant."""

from __future__ import annotations

from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import IdentityProtectedError, WrongTenantError
from multi_tenant.models import Tenant
from multi_tenant.users.joining import add_member, remove_member, suspend_member
from multi_tenant.users.models import Membership
from tests.testapp.staff.models import Note

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_a_natural_key_leads_to_whoever_has_the_name_now(ann: Any, mia: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    for user, name in ((ann, "other"), (mia, "ann"), (ann, "mia")):
        User.objects.filter(pk=user.pk).update(username=name)
    with tenant_context(acme):
        assert User.objects.get_by_natural_key("ann").pk == mia.pk
        assert async_to_sync(User.objects.aget_by_natural_key)("mia").pk == ann.pk
    assert User.objects.get_by_natural_key("ann").pk == mia.pk


def test_a_natural_key_leads_to_nobody_from_elsewhere(bob: Any, acme: Tenant) -> None:
    with tenant_context(acme), pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key("bob")


def test_a_fixture_finds_people_by_name(ann: Any, acme: Tenant, tmp_path: Any) -> None:
    path = tmp_path / "notes.json"
    with tenant_context(acme):
        Note.objects.create(author=User.objects.get(), text="kept")
        options = {"natural_foreign": True, "output": str(path), "verbosity": 0}
        call_command("dumpdata", "staff.Note", **options)
        Note.objects.all().delete()
        call_command("loaddata", str(path), verbosity=0)
        assert Note.objects.get().author_id == ann.pk


def test_who_has_a_permission_is_an_active_member(ann: Any, mia: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    with tenant_context(acme):
        permission = Permission.objects.get(codename="add_note")
        group = Group.objects.create(name="writers")
        group.permissions.add(permission)
        group.user_set.set(User.objects.all())
        holders = User.objects.with_perm("staff.add_note")
        assert holders.count() == 2
        with public_context():
            suspend_member(ann, acme)
            User.objects.filter(pk=mia.pk).update(is_active=False)
        assert not User.objects.with_perm("staff.add_note").exists()


def test_a_group_of_members_goes_the_guarded_way(ann: Any, bolt: Tenant, acme: Tenant) -> None:
    add_member(ann.pk, bolt)
    with tenant_context(acme):
        group = Group.objects.create(name="writers")
        group.user_set.set(User.objects.all())
        with pytest.raises(IdentityProtectedError):
            group.user_set.update(email="eve@example.com")
        group.user_set.all().delete()
        assert not User.objects.exists()
    assert User.objects.get().email == "ann@example.com"


@pytest.mark.parametrize("place", ["public", "acme"])
def test_permissions_are_those_of_the_place(place: str, ann: Any, acme: Tenant) -> None:
    User.objects.filter(pk=ann.pk).update(is_superuser=place == "public")
    identity = User.objects.get()
    assert identity.has_perm("staff.add_note") is (place == "public")
    with tenant_context(acme):
        member = User.objects.get()
        if place == "acme":
            member.user_permissions.add(Permission.objects.get(codename="add_note"))
            member = User.objects.get()
        assert member.has_perm("staff.add_note") is (place == "acme")
        with pytest.raises(WrongTenantError):
            identity.has_perm("staff.add_note")
    with pytest.raises(WrongTenantError):
        member.has_perm("staff.add_note")


def create_superuser(name: str) -> None:
    call_command("createsuperuser", "--no-input", username=name, email="", stdout=StringIO())


def test_createsuperuser_makes_one_where_it_is_run(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "secret of carl")
    with tenant_context(acme):
        create_superuser("carl")
        assert User.objects.get().is_superuser
        with pytest.raises(CommandError, match="already taken"):
            create_superuser("carl")
    create_superuser("dora")
    people = User.objects.values_list("username", "is_superuser", "memberships__tenant__alias").order_by("username")
    assert list(people) == [("carl", False, "acme"), ("dora", True, None)]
    assert User.objects.get(username="carl").check_password("secret of carl")


def change_password(name: str, password: str) -> None:
    with patch("getpass.getpass", return_value=password):
        call_command("changepassword", name, stdout=StringIO(), stderr=StringIO())


def test_changepassword_changes_that_of_the_identity(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        change_password("ann", "another-87")
        assert User.objects.get().password == "!"
    assert User.objects.get().check_password("another-87")
    change_password("ann", "yet-another-87")
    assert User.objects.get().check_password("yet-another-87")


def test_changepassword_changes_nobody_who_is_known_elsewhere(ann: Any, acme: Tenant, bolt: Tenant) -> None:
    add_member(ann.pk, bolt)
    with tenant_context(acme), pytest.raises(IdentityProtectedError):
        change_password("ann", "another-87")
    assert User.objects.get().check_password("secret of ann")


def test_a_public_and_a_member_row_are_one_person(ann: Any, acme: Tenant) -> None:
    identity = User.objects.get()
    with tenant_context(acme):
        member = User.objects.get()
    assert identity == member
    assert len({identity, member}) == 1


def test_lists_of_users_have_the_tenants_own_alone(ann: Any, bob: Any, acme: Tenant) -> None:
    field: Any = Note._meta.get_field("author")
    with tenant_context(acme):
        assert [user.username for user in field.formfield().queryset] == ["ann"]
        Note.objects.create(author_id=ann.pk)
        assert Note.objects.select_related("author").get().author.username == "ann"
        with transaction.atomic():
            Note.objects.create(author_id=bob.pk)
            with pytest.raises(IntegrityError):
                connections["acme"].check_constraints()
            transaction.set_rollback(True)


def test_a_former_member_keeps_its_name_on_what_it_wrote(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        Note.objects.create(author_id=ann.pk)
        remove_member(ann.pk)
        assert Note.objects.get().author.username == "ann"
    assert not Membership.objects.exists()
