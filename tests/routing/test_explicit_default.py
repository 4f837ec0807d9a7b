"""`default`, said aloud inside a tenant, does what it does in plain Django."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.utils.connection import ConnectionDoesNotExist

from multi_tenant.context import record_context
from multi_tenant.registry.entry import filled
from multi_tenant.registry.lookup import TenantRecord
from tests.testapp.library.models import Author, Book


@pytest.fixture
def _inside(tmp_path: Path, django_db_blocker: Any) -> Iterator[None]:
    """A tenant that no registry holds, with two tables."""
    entry = filled({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "acme.sqlite3")})
    record = TenantRecord("acme", None, "", "active", entry, marked=False)
    with django_db_blocker.unblock(), record_context(record):
        with connections["default"].schema_editor() as editor:
            editor.create_model(Author)
            editor.create_model(Book)
        yield
        connections.retire("acme")  # type: ignore[attr-defined]  # TenantConnectionHandler's


@pytest.fixture
def partly_loaded(_inside: None) -> Book:
    book = Book.objects.create(title="first", author=Author.objects.create(name="Ada"))
    return Book.objects.only("author").get(pk=book.pk)


def test_saving_apartly_loaded_object_leaves_the_other_fields_alone(partly_loaded: Book) -> None:
    Book.objects.update(title="changed by another")
    partly_loaded.save(using="default")
    assert Book.objects.get().title == "changed by another"


def test_saving_apartly_loaded_object_elsewhere_writes_it_whole(partly_loaded: Book) -> None:
    """The control: this is Django's rule for another database, which an unsettled `default` would be."""
    Book.objects.update(title="changed by another")
    partly_loaded._state.db = None
    partly_loaded.title = "mine"
    partly_loaded.save(using="default")
    assert Book.objects.get().title == "mine"


@pytest.mark.usefixtures("_inside")
def test_the_proxy_keeps_its_name() -> None:
    assert (connection.alias, connections["default"].alias) == ("default", "acme")


@pytest.mark.django_db
@pytest.mark.usefixtures("_inside")
def test_an_alias_that_nothing_bears_is_refused_as_such() -> None:
    with pytest.raises(ConnectionDoesNotExist):
        list(Author.objects.using("nobody"))
    with pytest.raises(ConnectionDoesNotExist):
        Author(name="Ada").save(using="nobody")
