"""P9: identity belongs to the person. Attacks by a tenant's superuser, each run without its guard as well."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError
from django.forms import modelform_factory

from multi_tenant.context import Place, tenant_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.middleware.visit import visit_context
from multi_tenant.models import Tenant
from multi_tenant.users import identity, joining, models, rows
from multi_tenant.users.joining import accept, add_member, invite
from multi_tenant.users.managers import GlobalUserQuerySet
from multi_tenant.users.members import find_member
from tests.promises.control import Without, guarded_by

pytestmark = pytest.mark.django_db
User = get_user_model()
PASSWORDS = {"usable_password": "true", "password1": "eves-own-1", "password2": "eves-own-1"}
WANTED = {"email": "eve@example.com", "password": "made up by eve", "is_active": False, "username": "eve"}

anybody_may_change = Without(identity, "may_change", lambda *args: True)
bulk_is_not_refused = Without(GlobalUserQuerySet, "refuse_in_tenant")
requests_make_people = Without(rows, "may_make_people", lambda: True)


@pytest.fixture
def victim(bob: Any, acme: Tenant) -> Any:
    """A member of bolt, and by now of acme, too, whose superuser attacks it."""
    add_member(bob.pk, acme)
    return bob


def facts(user: Any) -> dict[str, Any]:
    """Who somebody is: what must not change."""
    return dict(User.objects.filter(pk=user.pk).values(*User.IDENTITY_FIELDS, "is_staff", "is_superuser").get())


@contextmanager
def unchanged(user: Any, tenant: Tenant) -> Iterator[None]:
    """Run an attack in a request at the tenant, refused or not, and look whether the victim is who it was."""
    before = facts(user)
    with visit_context(Place(tenant.alias, tenant.pk)), suppress(IdentityProtectedError):
        yield
    assert facts(user) == before


@pytest.mark.parametrize("name", WANTED)
@guarded_by(anybody_may_change)
def test_save_changes_nobody(name: str, victim: Any, acme: Tenant) -> None:
    with unchanged(victim, acme):
        member = User.objects.get()
        setattr(member, name, WANTED[name])
        member.save()


@pytest.mark.parametrize("name", WANTED)
@guarded_by(anybody_may_change)
def test_save_of_one_field_changes_nobody(name: str, victim: Any, acme: Tenant) -> None:
    with unchanged(victim, acme):
        member = User.objects.only("pk").get()
        setattr(member, name, WANTED[name])
        member.save(update_fields=[name])


@pytest.mark.parametrize("name", ["email", "username", "is_active"])
@guarded_by(anybody_may_change)
def test_the_form_of_the_stock_admin_changes_nobody(name: str, victim: Any, acme: Tenant) -> None:
    with unchanged(victim, acme):
        member = User.objects.get()
        given = {**UserChangeForm(instance=member).initial, name: WANTED[name]}
        form: Any = UserChangeForm({key: value for key, value in given.items() if value}, instance=member)
        form.save()


@guarded_by(anybody_may_change)
def test_the_password_form_of_the_stock_admin_changes_nobody(victim: Any, acme: Tenant) -> None:
    with unchanged(victim, acme):
        form: Any = AdminPasswordChangeForm(User.objects.get(), PASSWORDS)
        assert form.is_valid()
        form.save()


@pytest.mark.parametrize("name", WANTED)
@guarded_by(anybody_may_change)
def test_an_apis_serializer_changes_nobody(name: str, victim: Any, acme: Tenant) -> None:
    rest = pytest.importorskip("rest_framework.serializers")

    class UserSerializer(rest.ModelSerializer):  # type: ignore[misc, name-defined]  # REST framework may be missing
        class Meta:
            model = User
            fields = ["email", "password", "is_active", "username"]

    with unchanged(victim, acme):
        serializer = UserSerializer(User.objects.get(), data={name: WANTED[name]}, partial=True)
        assert serializer.is_valid()
        serializer.save()


@pytest.mark.parametrize("name", WANTED)
@guarded_by(bulk_is_not_refused)
def test_update_is_refused(name: str, victim: Any, acme: Tenant) -> None:
    with tenant_context(acme), pytest.raises(IdentityProtectedError):
        User.objects.update(**{name: WANTED[name]})


@pytest.mark.parametrize("name", WANTED)
@guarded_by(bulk_is_not_refused)
def test_bulk_update_is_refused(name: str, victim: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        member = User.objects.get()
        setattr(member, name, WANTED[name])
        with pytest.raises(IdentityProtectedError):
            User.objects.bulk_update([member], [name])


@guarded_by(bulk_is_not_refused)
def test_bulk_create_makes_no_row_for_somebody_else(victim: Any, mia: Any, acme: Tenant) -> None:
    with tenant_context(acme), pytest.raises(IdentityProtectedError):
        User.objects.bulk_create([User(pk=mia.pk, username="mia")])


@pytest.mark.parametrize("name", WANTED)
@guarded_by(anybody_may_change)
def test_loaddata_changes_nobody(name: str, victim: Any, acme: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    with unchanged(victim, acme):
        [document] = json.loads(serializers.serialize("json", User.objects.all()))
        document["fields"][name] = WANTED[name]
        path.write_text(json.dumps([document]))
        call_command("loaddata", str(path), verbosity=0)


@guarded_by(anybody_may_change)
def test_changepassword_changes_nobody(victim: Any, acme: Tenant) -> None:
    with unchanged(victim, acme), patch("getpass.getpass", return_value="eves-own-1"):
        call_command("changepassword", "bob", stdout=StringIO(), stderr=StringIO())


@guarded_by(requests_make_people)
def test_a_request_adds_no_name_by_the_stock_admins_form(bob: Any, acme: Tenant) -> None:
    with visit_context(Place(acme.alias, acme.pk)):
        for name in ("bob", "nobody-yet"):
            form = modelform_factory(User, AdminUserCreationForm)({"username": name, **PASSWORDS})
            with pytest.raises(IdentityProtectedError):
                form.save()
        assert not User.objects.exists()


def answer_of(attempt: Callable[[], Any]) -> str:
    """What an attacker gets to see of an attempt."""
    try:
        return f"made {type(attempt()).__name__}"
    except (IdentityProtectedError, IntegrityError) as exc:
        return f"{type(exc).__name__}: {exc}"


@guarded_by(requests_make_people)
def test_adding_a_name_does_not_tell_whether_it_exists(bob: Any, acme: Tenant) -> None:
    with visit_context(Place(acme.alias, acme.pk)):
        answers = {answer_of(partial(User.objects.create_user, name)) for name in ("bob", "nobody-yet")}
    assert len(answers) == 1


@guarded_by(Without(identity, "may_make_people", lambda: True))
def test_renaming_does_not_tell_whether_a_name_exists(ann: Any, bob: Any, acme: Tenant) -> None:
    def rename(name: str) -> Any:
        member = User.objects.get()
        member.username = name
        return member.save()

    with visit_context(Place(acme.alias, acme.pk)):
        answers = {answer_of(partial(rename, name)).replace(name, "") for name in ("bob", "nobody-yet")}
    assert len(answers) == 1


def invite_strangers_alone(email: str, **options: Any) -> Any:
    """What an invitation that looks the address up would do."""
    if User.objects.using("public").filter(email=email).exists():
        raise IdentityProtectedError
    return invite(email, **options)


@guarded_by(Without(joining, "invite", invite_strangers_alone))
def test_an_invitation_does_not_tell_whether_an_address_is_known(bob: Any, acme: Tenant) -> None:
    with visit_context(Place(acme.alias, acme.pk)):
        answers = {answer_of(partial(joining.invite, email)) for email in ("bob@example.com", "n@example.com")}
    assert answers == {"made Invitation"}


def write_as_it_is(member: Any, table: Any, write: Any, *args: Any, **options: Any) -> Any:
    """How a row is written by a model that knows of no identity, to the public database as well."""
    rows = User.objects.using("public").filter(pk=member.pk)
    rows.update(is_superuser=member.is_superuser, is_staff=member.is_staff)
    return write()


@guarded_by(Without(models, "write_member_row", write_as_it_is))
def test_a_member_gives_himself_no_authority_on_the_platform(ann: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        User.objects.update(is_superuser=True, is_staff=True)
        member = User.objects.get()
        member.is_superuser = member.is_staff = True
        member.save()
        User.objects.create_superuser("carl", "", "secret of carl")
    people = User.objects.values_list("username", "is_staff", "is_superuser").order_by("username")
    assert list(people) == [("ann", False, False), ("carl", False, False)]


def test_who_is_invited_gets_nothing_on_the_platform(mia: Any, acme: Tenant) -> None:
    accept(invite("mia@example.com", tenant=acme, authority={"is_superuser": True}).token, mia)
    with tenant_context(acme):
        member = find_member(mia.pk)
        assert member is not None
        assert member.is_superuser
    assert not User.objects.get().is_superuser


def any_namesake(member: Any, table: Any) -> Any:
    """What an earlier try has left, if whoever has the name counted as that."""
    return User.objects.using("public").get(username=member.username).pk


@guarded_by(Without(rows, "find_left", any_namesake))
def test_createsuperuser_takes_over_nobody(mia: Any, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "eves-own-1")
    before = facts(mia)
    with tenant_context(acme), pytest.raises(IdentityProtectedError):
        call_command("createsuperuser", "--no-input", username="mia", email="eve@example.com", stdout=StringIO())
    assert facts(mia) == before
