"""Objects of another tenant are refused where Django takes no more than their keys."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import ForeignObject, prefetch_related_objects

from multi_tenant.context import tenant_context
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
