"""Objects of another tenant are refused where Django takes no more than their keys."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import models, transaction
from django.db.models import Field, ForeignObject, prefetch_related_objects
from django.db.models.fields.related import RelatedField
from django.test.utils import isolate_apps

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import WrongTenantError
from tests.promises.control import WithoutPatch, all_of, guarded_by, refused
from tests.testapp.library.models import Author, Book, Tag


def unchecked() -> Any:
    """Django's own fields."""
    names = ("get_local_related_value", "get_foreign_related_value")
    return all_of(*(WithoutPatch(ForeignObject, name) for name in names))


@pytest.fixture
def books(acme: Any, bolt: Any) -> dict[str, Book]:
    """A tagged book of each tenant, alike in all keys."""
    found = {}
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            book = Book.objects.create(pk=1, title="first", author=Author.objects.create(pk=1, name="Ada"))
            book.tags.add(Tag.objects.create(pk=1, word="good"))
            found[tenant.alias] = Book.objects.get()
    return found


@guarded_by(unchecked)
def test_an_object_of_another_tenant_removes_nothing(books: dict[str, Book]) -> None:
    with tenant_context("acme"):
        foreign = Tag.objects.get()
    with tenant_context("bolt"):
        assert refused(WrongTenantError, lambda: books["bolt"].tags.remove(foreign))
        assert books["bolt"].tags.exists()


@guarded_by(unchecked)
def test_objects_of_two_tenants_are_not_prefetched_for_together(books: dict[str, Book]) -> None:
    with tenant_context("bolt"):
        both = [books["bolt"], books["acme"]]
        assert refused(WrongTenantError, lambda: prefetch_related_objects(both, "author"))


def test_objects_of_one_tenant_are_removed_and_prefetched_for(books: dict[str, Book]) -> None:
    """The control."""
    with tenant_context("bolt"):
        books["bolt"].tags.remove(Tag.objects.get())
        prefetch_related_objects(list(Book.objects.all()), "author", "tags")
        assert not books["bolt"].tags.exists()


@guarded_by(unchecked)
@pytest.mark.parametrize("at", ["public", "acme"])
def test_an_object_of_the_other_home_removes_nothing(at: str, acme: Any) -> None:
    places, groups = {"public": public_context(), "acme": tenant_context(acme)}, {}
    for name, place in places.items():
        with place.again():
            groups[name] = Group.objects.create(pk=1, name="staff")
            User.objects.create(username="ada").groups.add(groups[name])
    [other] = groups.keys() - {at}
    with places[at].again():
        ada = User.objects.get()
        assert refused(WrongTenantError, lambda: ada.groups.remove(groups[other]))
        assert ada.groups.exists()


def unordered() -> Any:
    """Django's own fields."""
    return all_of(
        WithoutPatch(RelatedField, "get_forward_related_filter"), WithoutPatch(Field, "get_filter_kwargs_for_object")
    )


@guarded_by(unordered)
@pytest.mark.parametrize("ask", ["get_chapter_order", "set_chapter_order", "get_next_in_order"])
def test_an_object_of_another_tenant_orders_nothing(ask: str, acme: Any, bolt: Any) -> None:
    with isolate_apps("tests.testapp.library"):

        class Volume(models.Model):
            class Meta:
                app_label = "library"

        class Chapter(models.Model):
            volume = models.ForeignKey(Volume, models.CASCADE)

            class Meta:
                app_label = "library"
                order_with_respect_to = "volume"

    chapter: Any = Chapter.from_db("acme", ["id", "volume_id", "_order"], [1, 1, 0])
    volume: Any = Volume.from_db("acme", ["id"], [1])
    asked: dict[str, Any] = {
        "get_chapter_order": lambda: list(volume.get_chapter_order()),
        "set_chapter_order": lambda: volume.set_chapter_order([1]),
        "get_next_in_order": chapter.get_next_in_order,
    }
    with tenant_context(bolt), transaction.atomic():
        assert refused(WrongTenantError, asked[ask])  # a control finds no table
