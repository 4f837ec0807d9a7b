"""Member rows are made with an identity, in public first; what else a tenant writes of people stays its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction
from django.db.models import UniqueConstraint
from django.db.models.functions import Lower
from django.db.models.signals import post_save

from multi_tenant.context import Place, fixed_context, public_context, tenant_context
from multi_tenant.exceptions import IdentityProtectedError, WrongTenantError
from multi_tenant.middleware.visit import visit_context
from multi_tenant.models import Tenant
from multi_tenant.users.identity import own_identity, sign_up
from multi_tenant.users.joining import add_member, remove_member
from multi_tenant.users.members import find_member
from multi_tenant.users.models import Membership
from tests.testapp.staff.models import Ally, Desk, Employee, Note

pytestmark = pytest.mark.django_db
User = get_user_model()


@contextmanager
def request_at(tenant: Tenant) -> Iterator[None]:
    """As in a view at the tenant's address."""
    with visit_context(Place(tenant.alias, tenant.pk)):
        yield


def shown(key: Any) -> Any:
    """The member, brought up to date as a visit does it."""
    return find_member(key)


def names() -> list[str]:
    return sorted(User.objects.values_list("username", flat=True))


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str, bool]]]:
    """What receivers of ``post_save`` are told of users."""
    told: list[tuple[str, str, bool]] = []

    def hear(instance: Any, using: str, created: bool, **kwargs: Any) -> None:
        told.append((instance.username, using, created))

    post_save.connect(hear, User)
    yield told
    post_save.disconnect(hear, User)


def test_authority_that_is_given_in_a_tenant_ends_there(acme: Tenant) -> None:
    with tenant_context(acme):
        carl = User.objects.create_superuser("carl", "carl@example.com", "secret of carl")
        assert User.objects.get().is_superuser
    identity = User.objects.get()
    assert (identity.is_staff, identity.is_superuser) == (False, False)
    assert identity.check_password("secret of carl")
    assert Membership.objects.get().user_id == carl.pk


@pytest.mark.parametrize("same", ["username", "id"])
def test_somebody_who_is_known_elsewhere_is_not_made(same: str, bob: Any, acme: Tenant) -> None:
    values = {"username": "carl", same: getattr(bob, same)}
    with tenant_context(acme):
        with pytest.raises(IdentityProtectedError, match="cannot be made") as refused:
            User.objects.create(**values)
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
        assert names() == []
    assert names() == ["bob"]


def test_what_else_is_wrong_is_told(acme: Tenant) -> None:
    with tenant_context(acme), pytest.raises(IntegrityError, match=r"(?i)null"):
        User.objects.create(username="carl", first_name=None)


def test_a_request_makes_nobody_and_tells_nothing(acme: Tenant, bob: Any) -> None:
    with request_at(acme):
        with pytest.raises(IdentityProtectedError) as known:
            User.objects.create_user("bob")
        with pytest.raises(IdentityProtectedError) as unknown:
            User.objects.create_user("carl")
        assert names() == []
    assert str(known.value) == str(unknown.value)


def test_a_request_renames_nobody_but_the_person_who_asks(acme: Tenant, ann: Any) -> None:
    with request_at(acme):
        member = User.objects.get()
        member.username = "carl"
        with pytest.raises(IdentityProtectedError):
            member.save()
        with own_identity(member):
            member.save()
        assert names() == ["carl"]


@pytest.mark.parametrize(
    "constraint", [UniqueConstraint(Lower("email"), name="one"), UniqueConstraint(fields=["email"], name="one")]
)
def test_a_request_finds_out_nothing_by_a_constraint(
    constraint: Any, acme: Tenant, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(**values: Any) -> None:
        member = User.objects.get()
        member.__dict__.update(values)
        member.save()

    monkeypatch.setattr(User._meta, "constraints", [constraint])
    with request_at(acme):
        save(first_name="Ann")
        with pytest.raises(IdentityProtectedError):
            save(email="bob@example.com")
    with tenant_context(acme):
        save(email="bob@example.com")


def test_visitors_sign_up_where_the_view_says_so(acme: Tenant, bob: Any) -> None:
    with request_at(acme):
        with sign_up():
            User.objects.create_user("carl")
            with pytest.raises(IdentityProtectedError):
                User.objects.create_user("bob")
        with pytest.raises(IdentityProtectedError):
            User.objects.create_user("dora")
        assert names() == ["carl"]


def test_a_database_that_is_no_tenants_yet_has_no_members(acme: Tenant) -> None:
    with fixed_context(Place(acme.alias)), pytest.raises(IdentityProtectedError, match="being made"):
        User(username="carl").save()


def made_and_rolled_back(name: str, **values: Any) -> None:
    with transaction.atomic():
        User.objects.create_user(name, **values)
        transaction.set_rollback(True)


def test_a_block_that_is_rolled_back_leaves_the_name_to_another_try(acme: Tenant) -> None:
    with tenant_context(acme):
        made_and_rolled_back("carl", password="one")
        assert names() == []
        carl = User.objects.create_user("carl", "carl@example.com", "two")
        assert carl.pk == User.objects.get().pk
    identity = User.objects.get()
    assert (identity.pk, identity.email, identity.check_password("two")) == (carl.pk, "carl@example.com", True)
    assert Membership.objects.count() == 1


def test_receivers_of_who_joins_are_guarded_like_all_code(mia: Any, ann: Any, acme: Tenant, bolt: Tenant) -> None:
    def rename(instance: Any, created: bool, **kwargs: Any) -> None:
        if created:
            instance.email = "eve@example.com"
            instance.save()

    add_member(mia, bolt)
    post_save.connect(rename, User)
    try:
        with pytest.raises(IdentityProtectedError):
            add_member(mia, acme)
    finally:
        post_save.disconnect(rename, User)
    assert Membership.objects.filter(user=mia).count() == 1


def test_a_row_that_extends_a_member_is_saved_field_by_field(acme: Tenant) -> None:
    with tenant_context(acme):
        employee = Employee.objects.create(username="carl")
        employee.desk = Desk.objects.create()
        employee.save(update_fields=["desk"])
        employee.refresh_from_db(fields=["desk", "username"])
        assert Employee.objects.get().desk == employee.desk
        employee.delete(keep_parents=True)
        assert User.objects.get().username == "carl"
        assert not Employee.objects.exists()
    assert Membership.objects.count() == 1


def test_a_name_is_left_to_nobody_else(acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        made_and_rolled_back("carl")
    with tenant_context(bolt), pytest.raises(IdentityProtectedError):
        User.objects.create_user("carl")


def test_a_visitor_who_signs_up_is_not_given_what_another_left(acme: Tenant) -> None:
    with tenant_context(acme):
        made_and_rolled_back("carl", password="one")
    with request_at(acme), sign_up(), pytest.raises(IdentityProtectedError):
        User.objects.create_user("carl", password="mallory's")
    assert User.objects.get().check_password("one")


def test_receivers_hear_of_both_rows(acme: Tenant, heard: list[Any]) -> None:
    with tenant_context(acme):
        User.objects.create_user("carl")
    assert heard == [("carl", "public", True), ("carl", "acme", True)]


def test_receivers_hear_of_who_joins_and_not_of_copies_that_are_refreshed(
    mia: Any, acme: Tenant, heard: list[Any]
) -> None:
    add_member(mia, acme)
    User.objects.filter(pk=mia.pk).update(first_name="Mia")
    with tenant_context(acme):
        assert shown(mia.pk).first_name == "Mia"
        assert User.objects.get().first_name == "Mia"
    assert heard == [("mia", "acme", True)]


@pytest.mark.parametrize("model", [User, Ally, Employee])
def test_each_kind_of_user_is_made_saved_and_protected(model: Any, acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        made = model.objects.create(username="carl", is_staff=True)
        made.email = "carl@example.com"
        made.save()
        assert model.objects.get().password == "!" or made.password == ""
    assert User.objects.get().email == "carl@example.com"
    add_member(made.pk, bolt)
    with tenant_context(acme):
        member = model.objects.get()
        member.is_staff = False
        member.save()
        member.email = "new@example.com"
        with pytest.raises(IdentityProtectedError):
            member.save()
        with pytest.raises(IdentityProtectedError):
            model.objects.update(email="new@example.com")
        with pytest.raises(IdentityProtectedError):
            model._base_manager.update(username="eve")


def test_a_member_is_not_made_another(ann: Any, bob: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        for name in ("pk", "id"):
            with pytest.raises(IdentityProtectedError):
                User.objects.update(**{name: bob.pk})


def test_an_identity_is_not_saved_into_a_tenant(bob: Any, acme: Tenant) -> None:
    identity = User.objects.get()
    with tenant_context(acme), pytest.raises(WrongTenantError):
        identity.save()
    with tenant_context(acme), pytest.raises(WrongTenantError):
        identity.save(using="acme")


def test_people_swap_names_while_copies_are_stale(ann: Any, mia: Any, bob: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    for user, name in ((ann, "other"), (mia, "ann"), (ann, "mia")):
        User.objects.filter(pk=user.pk).update(username=name)
    with tenant_context(acme):
        assert shown(ann.pk).username == "mia"
        assert dict(User.objects.values_list("pk", "username")) == {ann.pk: "mia", mia.pk: "ann"}


def test_a_name_that_another_had_is_taken_over(ann: Any, mia: Any, acme: Tenant) -> None:
    add_member(mia, acme)
    User.objects.filter(pk=mia.pk).update(username="eva")
    with tenant_context(acme):
        member = User.objects.get(pk=ann.pk)
        member.username = "mia"
        member.save()
        assert names() == ["eva", "mia"]


def test_a_newcomer_may_have_the_former_name_of_a_member(ann: Any, mia: Any, acme: Tenant) -> None:
    User.objects.filter(pk=ann.pk).update(username="anna")
    User.objects.filter(pk=mia.pk).update(username="ann")
    add_member(mia, acme)
    with tenant_context(acme):
        assert names() == ["ann", "anna"]


def test_a_row_whose_person_is_gone_keeps_no_name_from_others(ann: Any, mia: Any, acme: Tenant) -> None:
    with tenant_context(acme):
        Note.objects.create(author=User.objects.get())
    remove_member(ann.pk, acme)
    User.objects.get(pk=ann.pk).delete()
    User.objects.filter(pk=mia.pk).update(username="ann")
    add_member(mia, acme)
    with tenant_context(acme):
        assert User.objects.get(username="ann").pk == mia.pk
        assert Note.objects.get().author_id == ann.pk


@pytest.fixture
def fixture_file(tmp_path: Path) -> Callable[..., str]:
    """Writes a fixture of the active tenant's users, with changes to the first."""

    def write(**changes: Any) -> str:
        [document] = json.loads(serializers.serialize("json", User.objects.all()))
        document["fields"].update(changes.pop("fields", {}))
        document.update(changes)
        path = tmp_path / "people.json"
        path.write_text(json.dumps([document]))
        return str(path)

    return write


def test_a_fixture_of_a_tenants_own_people_is_loaded(ann: Any, acme: Tenant, fixture_file: Any) -> None:
    before = User.objects.get().password
    with tenant_context(acme):
        call_command("loaddata", fixture_file(fields={"is_staff": True, "first_name": "Ann"}), verbosity=0)
        assert User.objects.values_list("is_staff", "first_name").get() == (True, "Ann")
    identity = User.objects.get()
    assert (identity.first_name, identity.is_staff, identity.password) == ("Ann", False, before)


def test_a_row_that_is_missing_is_loaded(ann: Any, acme: Tenant, bolt: Tenant, fixture_file: Any) -> None:
    add_member(ann.pk, bolt)
    with tenant_context(acme):
        path = fixture_file(fields={"is_staff": True})
        connections["acme"].cursor().execute("DELETE FROM multi_tenant_users_globaluser")
        call_command("loaddata", path, verbosity=0)
        assert User.objects.values_list("username", "is_staff", "password").get() == ("ann", True, "!")


def test_a_fixture_changes_nobody_who_is_known_elsewhere(
    ann: Any, acme: Tenant, bolt: Tenant, fixture_file: Any
) -> None:
    add_member(ann.pk, bolt)
    with tenant_context(acme), pytest.raises(IdentityProtectedError):
        call_command("loaddata", fixture_file(fields={"email": "new@example.com"}), verbosity=0)
    assert User.objects.get().email == "ann@example.com"


def test_a_fixture_makes_new_people(ann: Any, acme: Tenant, fixture_file: Any) -> None:
    with tenant_context(acme):
        key = "11111111-1111-4111-8111-111111111111"
        call_command("loaddata", fixture_file(pk=key, fields={"username": "carl"}), verbosity=0)
        assert names() == ["ann", "carl"]
    assert not User.objects.get(username="carl").has_usable_password()
    assert Membership.objects.count() == 2


def test_a_fixture_takes_in_nobody_from_elsewhere(ann: Any, bob: Any, acme: Tenant, fixture_file: Any) -> None:
    with tenant_context(acme), pytest.raises(IdentityProtectedError):
        call_command("loaddata", fixture_file(pk=str(bob.pk), fields={"username": "bob"}), verbosity=0)
    with tenant_context(acme):
        assert names() == ["ann"]


def test_a_dump_of_a_tenant_has_no_password(ann: Any, acme: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    with tenant_context(acme):
        call_command("dumpdata", "multi_tenant_users.GlobalUser")
    [document] = json.loads(capsys.readouterr().out)
    assert document["fields"]["password"] == "!"


def test_deserialised_objects_are_saved_the_same_way(ann: Any, acme: Tenant, bolt: Tenant) -> None:
    add_member(ann.pk, bolt)
    with tenant_context(acme):
        found: Any
        [found] = serializers.deserialize("python", serializers.serialize("python", User.objects.all()))
        found.save()
        found.object.email = "new@example.com"
        with pytest.raises(IdentityProtectedError):
            found.save()
        with pytest.raises(IdentityProtectedError):
            found.save(using="default")


def test_platform_code_writes_public_rows_from_anywhere(ann: Any, acme: Tenant, bolt: Tenant) -> None:
    add_member(ann.pk, bolt)
    with tenant_context(acme):
        with public_context():
            User.objects.update(email="new@example.com")
        User.objects.using("public").update(first_name="Ann")
    assert User.objects.values_list("email", "first_name").get() == ("new@example.com", "Ann")
