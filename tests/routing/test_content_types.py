"""Content types, permissions and generic relations are each tenant's own, whatever ids others have for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections, models
from django.test.utils import isolate_apps

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.models import Tenant
from multi_tenant.routing import parts
from tests.promises.control import guarded_by
from tests.testapp.billing.models import Plan
from tests.testapp.library.models import Author, Book

pytestmark = pytest.mark.django_db


@pytest.fixture
def late(bolt: Tenant) -> Tenant:
    """Bolt, whose library was migrated after all else, so that it has other ids than acme."""
    with tenant_context(bolt):
        ContentType.objects.filter(app_label="library").delete()
        call_command("migrate", verbosity=0)
    return bolt


def key_of(model: type[models.Model]) -> int:
    return ContentType.objects.get_for_model(model).pk


def hand_over(alias: str, heir: Tenant) -> None:
    """Purge the tenant of an alias, and give the alias to another."""
    with public_context():
        Tenant.objects.filter(alias=alias).delete()
        Tenant.objects.filter(pk=heir.pk).update(alias=alias)


def parts_of_aliases() -> AbstractContextManager[Any]:
    """The cache is divided by alias alone, as Django has it."""
    return patch.object(parts, "tenant_at", lambda alias: None)


def test_each_tenant_has_its_own_content_types(acme: Tenant, late: Tenant) -> None:
    found = []
    for tenant in (acme, late, acme, late):
        with tenant_context(tenant):
            found.append((key_of(Author), ContentType.objects.get(model="author").pk))
    assert found[0] == found[2] == (found[0][0], found[0][0])
    assert found[1] == found[3] == (found[1][0], found[1][0])
    assert found[0] != found[1]


def test_permissions_are_those_of_the_tenants_own_types(acme: Tenant, late: Tenant) -> None:
    for tenant in (acme, late):
        with tenant_context(tenant):
            user = User.objects.create(username="ann")
            user.user_permissions.add(Permission.objects.get(content_type=key_of(Author), codename="add_author"))
            assert User.objects.get().has_perm("library.add_author")
            assert not User.objects.get().has_perm("library.add_book")


@guarded_by(parts_of_aliases)
@pytest.mark.django_db(transaction=True)
def test_the_types_of_a_purged_tenant_are_not_those_of_the_next_one(acme: Tenant, late: Tenant) -> None:
    with tenant_context(acme):
        key_of(Author)
        ContentType.objects.get_for_id(key_of(Book))
    hand_over("acme", late)
    with tenant_context("acme"):
        found = [key_of(Author), ContentType.objects.get_by_natural_key("library", "book").pk]
        assert list(ContentType.objects.order_by("model").filter(pk__in=found).values_list("model", flat=True)) == [
            "author",
            "book",
        ]


def test_a_type_is_looked_up_once_in_each_tenant(acme: Tenant, django_assert_num_queries: Any) -> None:
    with tenant_context(acme):
        ContentType.objects.clear_cache()
        with django_assert_num_queries(1, connection=connections["acme"]):
            assert key_of(Author) == key_of(Author)


@pytest.fixture
def label(transactional_db: None, acme: Tenant, late: Tenant) -> Iterator[Any]:
    """A model that points at any object, with its table in both tenants."""
    with isolate_apps("tests.testapp.library"), ExitStack() as stack:

        class Label(models.Model):
            text = models.CharField(max_length=20)
            content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
            object_id = models.PositiveBigIntegerField()
            content_object = GenericForeignKey()

            class Meta:
                app_label = "library"

        for tenant in (acme, late):
            stack.enter_context(table(Label, tenant))
        yield Label


@contextmanager
def table(model: Any, tenant: Tenant) -> Iterator[None]:
    with tenant_context(tenant), connections["default"].schema_editor() as editor:
        editor.create_model(model)
    yield
    with tenant_context(tenant), connections["default"].schema_editor() as editor:
        editor.delete_model(model)


def test_a_generic_relation_leads_to_the_tenants_own_object(acme: Tenant, late: Tenant, label: Any) -> None:
    for tenant in (acme, late):
        with tenant_context(tenant):
            author = Author.objects.create(pk=7, name=f"ann of {tenant}")
            label.objects.create(text="good", content_object=author)
    for tenant in (acme, late):
        with tenant_context(tenant):
            assert label.objects.get().content_object.name == f"ann of {tenant}"
            [fetched] = label.objects.prefetch_related("content_object")
            assert (fetched.content_type_id, fetched.content_object.name) == (key_of(Author), f"ann of {tenant}")


def test_a_generic_relation_leads_into_no_other_tenant(acme: Tenant, late: Tenant, label: Any) -> None:
    with tenant_context(acme):
        author = Author.objects.create(name="ann")
        label.objects.create(text="good", content_object=author)
        kept = label.objects.get()
    with tenant_context(late):
        with pytest.raises(WrongTenantError):
            label(text="bad", content_object=author)
        with pytest.raises(WrongTenantError):
            kept.content_object  # noqa: B018  # it is looked up


def test_a_generic_relation_takes_no_type_from_the_public_database(acme: Tenant, label: Any) -> None:
    """Its id is another model's in the tenant."""
    with public_context():
        plan = Plan.objects.create(name="gold")
    with tenant_context(acme), pytest.raises(WrongTenantError):
        label(text="bad", content_object=plan)


def stale(place: Any) -> int:
    with place:
        return ContentType.objects.filter(model="gone").count()


@pytest.mark.parametrize("interactive", [False, True])
def test_stale_types_are_removed_in_one_tenant(
    acme: Tenant, late: Tenant, interactive: bool, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for place in (public_context(), tenant_context(acme), tenant_context(late)):
        with place:
            gone = ContentType.objects.create(app_label="library", model="gone")
            Permission.objects.create(content_type=gone, codename="add_gone", name="Can add")
    monkeypatch.setattr("builtins.input", lambda question: "yes")
    with tenant_context(acme):
        shared = ContentType.objects.filter(app_label="billing").count()
        call_command("remove_stale_contenttypes", interactive=interactive, verbosity=0)
        assert not Permission.objects.filter(codename="add_gone").exists()
        assert ContentType.objects.filter(app_label="billing").count() == shared
    assert ("auth.Permission" in capsys.readouterr().out) is interactive
    assert [stale(place) for place in (tenant_context(acme), tenant_context(late), public_context())] == [0, 1, 1]
