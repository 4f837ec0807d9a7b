"""Identity is written in public, by whom it may be, and never by an object that merely carries a copy of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import Group
from django.db import IntegrityError, connections, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import timezone

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import IdentityProtectedError, WrongTenantError
from multi_tenant.models import Tenant
from multi_tenant.users.identity import own_identity
from multi_tenant.users.joining import add_member
from multi_tenant.users.models import Membership
from tests.testapp.staff.models import Note

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def both(ann: Any, bolt: Tenant) -> Any:
    """A member of two tenants."""
    add_member(ann.pk, bolt)
    return ann


def public(user: Any) -> Any:
    return User.objects.get(pk=user.pk)


def test_what_a_tenant_may_change_goes_to_public_and_to_its_copy(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        member.email, member.is_staff = "new@example.com", True
        member.save()
        assert User.objects.values_list("email", "is_staff").get() == ("new@example.com", True)
    identity = public(ann)
    assert (identity.email, identity.is_staff) == ("new@example.com", False)


def test_who_is_known_elsewhere_is_not_changed(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        member.email = "new@example.com"
        with pytest.raises(IdentityProtectedError, match=r"email of .* are not changed"):
            member.save()
        assert User.objects.get().email == "ann@example.com"
    assert public(both).email == "ann@example.com"


@pytest.mark.parametrize("authority", ["is_staff", "is_superuser"])
def test_whoever_has_authority_on_the_platform_is_not_changed(authority: str, ann: Any, acme: Tenant) -> None:
    User.objects.filter(pk=ann.pk).update(**{authority: True})
    with tenant_context(acme):
        member = User.objects.get()
        member.first_name = "Eve"
        with pytest.raises(IdentityProtectedError):
            member.save()


@pytest.mark.parametrize("changes", [{"is_active": True}, {"email": "ann@example.org"}], ids=list)
def test_whom_the_platform_keeps_out_is_not_changed(changes: dict[str, Any], ann: Any, acme: Tenant) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    with tenant_context(acme):
        member = User.objects.get(pk=ann.pk)
        member.__dict__["is_active"] = member._known_identity["is_active"] = False  # as when the copy is refreshed
        for name, value in changes.items():
            setattr(member, name, value)
        with pytest.raises(IdentityProtectedError):
            member.save()
    identity = User.objects.get(pk=ann.pk)
    assert (identity.is_active, identity.email) == (False, ann.email)


def test_a_person_changes_who_it_is(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        with own_identity(member):
            member.email = "new@example.com"
            member.save()
    assert public(both).email == "new@example.com"


def test_a_person_does_not_change_who_another_is(both: Any, acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        eve = User.objects.create_user("eve")
        member = User.objects.get(pk=both.pk)
        member.email = "new@example.com"
        with own_identity(eve), pytest.raises(IdentityProtectedError):
            member.save()


@pytest.mark.parametrize(
    "load",
    [
        User.objects.get,
        lambda: User.objects.only("is_staff").get(),
        lambda: User.objects.defer("password", "email").get(),
        lambda: User.objects.select_related(None).first(),
        User._base_manager.get,
        lambda: User.objects.raw("SELECT * FROM multi_tenant_users_globaluser")[0],
    ],
)
def test_saving_a_copy_never_changes_a_password(load: Callable[[], Any], both: Any, acme: Tenant) -> None:
    before = public(both).password
    with tenant_context(acme):
        member = load()
        member.is_staff = True
        member.save()
        assert User.objects.get().is_staff
        member.refresh_from_db()
        member.save()
    assert public(both).password == before != "!"


@pytest.mark.parametrize("notes", [Note.objects.all, lambda: Note.objects.select_related("author")])
def test_saving_the_author_of_a_note_never_changes_a_password(
    notes: Callable[[], Any], both: Any, acme: Tenant
) -> None:
    before = public(both)
    with tenant_context(acme):
        Note.objects.create(author_id=both.pk)
        author = notes().get().author
        with own_identity(author):
            author.save()
        [*map(User.save, User.objects.prefetch_related("notes"))]
        assert User.objects.get().password == "!"
    assert vars(public(both))["password"] == before.password != "!"


def test_a_group_has_members_alone(bob: Any, acme: Tenant) -> None:
    identity = public(bob)
    with tenant_context(acme):
        group = Group.objects.create(name="writers")
        with pytest.raises(WrongTenantError):
            identity.groups.add(group)
        with pytest.raises(WrongTenantError), transaction.atomic():
            group.user_set.add(identity)
        with transaction.atomic():
            group.user_set.add(bob.pk)
            with pytest.raises(IntegrityError):
                connections["acme"].check_constraints()
            transaction.set_rollback(True)


def test_naming_fields_that_did_not_change_writes_nothing(
    both: Any, acme: Tenant, django_assert_num_queries: Callable[..., Any]
) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        with django_assert_num_queries(0):
            member.save(update_fields=["password", "last_login"])


def test_a_stale_copy_is_not_written_back(both: Any, acme: Tenant) -> None:
    User.objects.filter(pk=both.pk).update(email="new@example.com")
    with tenant_context(acme):
        member = User.objects.get()
        assert member.email == "ann@example.com"
        member.is_staff = True
        member.save()
    assert public(both).email == "new@example.com"


def test_what_was_deferred_and_is_set_counts_as_changed(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.only("is_staff").get()
        member.email = "new@example.com"
        with pytest.raises(IdentityProtectedError):
            member.save()


def test_a_deferred_field_that_is_read_counts_as_known(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.only("is_staff").get()
        assert member.email == "ann@example.com"
        member.save()
        member.save(update_fields=["email"])


def test_fields_that_are_not_named_are_not_written(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        member.email = "new@example.com"
        member.save(update_fields=["is_staff"])
        assert User.objects.get().email == "ann@example.com"
        member.save(update_fields=["email"])
    assert public(ann).email == "new@example.com"


def test_a_form_that_gives_a_moment_back_without_its_fraction_changes_nothing(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        member.date_joined = member.date_joined.replace(microsecond=0)
        member.save()
        member.date_joined += timedelta(seconds=1)
        with pytest.raises(IdentityProtectedError):
            member.save()


def test_an_expression_is_worked_out_in_public(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        member.first_name = Concat(F("username"), Value("!"))
        member.save()
        assert (member.first_name, User.objects.get().first_name) == ("ann!", "ann!")
    assert public(ann).first_name == "ann!"


def test_a_refreshed_member_is_as_good_as_a_loaded_one(both: Any, acme: Tenant) -> None:
    before = public(both).password
    with tenant_context(acme):
        member = User.objects.get()
        assert member.check_password("secret of ann")
        member.refresh_from_db()
        assert member.password == before
        with own_identity(member):
            member.save()
    assert public(both).password == before


def test_the_async_twins_go_the_same_way(both: Any, acme: Tenant) -> None:
    async def attempts() -> None:
        member = await User.objects.aget()
        member.is_staff = True
        await member.asave()
        member.email = "new@example.com"
        with pytest.raises(IdentityProtectedError):
            await member.asave()
        with pytest.raises(IdentityProtectedError):
            await User.objects.aupdate(email="new@example.com")
        with pytest.raises(IdentityProtectedError):
            await User.objects.aupdate_or_create(pk=both.pk, defaults={"email": "new@example.com"})

    with tenant_context(acme):
        async_to_sync(attempts)()
        assert User.objects.get().is_staff
    assert public(both).email == "ann@example.com"


def test_updating_or_creating_goes_the_same_way(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member, made = User.objects.update_or_create(username="ann", defaults={"is_staff": True})
        assert (made, member.is_staff) == (False, True)
        with pytest.raises(IdentityProtectedError):
            User.objects.update_or_create(username="ann", defaults={"email": "new@example.com"})
        assert User.objects.get_or_create(username="ann")[0] == member
        carl, made = User.objects.get_or_create(username="carl")
        assert made
    assert Membership.objects.filter(user=carl.pk).count() == 1


def test_the_password_of_a_member_is_set_by_its_own_form(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        form: Any = SetPasswordForm(member, {"new_password1": "another-87", "new_password2": "another-87"})
        assert form.is_valid()
        with pytest.raises(IdentityProtectedError):
            form.save()
        with own_identity(member):
            form.save()
        assert User.objects.get().password == "!"
    assert public(both).check_password("another-87")


def test_the_moment_of_a_login_is_the_identitys(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        with own_identity(member):
            member.last_login = timezone.now()
            member.save(update_fields=["last_login"])
        assert User.objects.get().last_login is None
    assert public(both).last_login is not None


def test_a_copy_of_an_object_does_not_share_what_is_known(both: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        twin = copy.copy(member)
        with own_identity(member):
            member.email = "new@example.com"
            member.save()
        twin.save()
    assert public(both).email == "new@example.com"


def test_in_public_an_identity_is_changed_as_ever(both: Any) -> None:
    identity = public(both)
    identity.email = "new@example.com"
    identity.save()
    User.objects.filter(pk=both.pk).update(first_name="Ann")
    User.objects.bulk_update([public(both)], ["last_name"])
    User.objects.bulk_create([User(username="carl"), User(username="dora")])
    assert User.objects.count() == 3
