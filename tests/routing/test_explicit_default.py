"""`default`, said aloud inside a tenant, does what it does in plain Django."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections, router
from django.db.models import signals
from django.db.models.deletion import Collector
from django.db.models.query import RawQuerySet
from django.utils.connection import ConnectionDoesNotExist

from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context
from multi_tenant.exceptions import NoTenantError, WrongTenantError
from multi_tenant.routing.router import settled
from tests.testapp.library.models import Author, Book

pytestmark = pytest.mark.usefixtures("in_tenant")


@pytest.fixture
def partly_loaded(in_tenant: Any) -> Book:
    book = Book.objects.create(title="first", author=Author.objects.create(name="Ada"))
    return Book.objects.only("author").get(pk=book.pk)


@pytest.fixture
def _other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A static database besides the public one."""
    static: Any = connections.static_settings  # type: ignore[attr-defined]  # TenantConnectionHandler's
    monkeypatch.setitem(static, "other", {**static["default"], "NAME": ":memory:"})


def test_saving_a_partly_loaded_object_leaves_the_other_fields_alone(partly_loaded: Book) -> None:
    Book.objects.update(title="changed by another")
    partly_loaded.save(using="default")
    assert Book.objects.get().title == "changed by another"


def test_saving_a_partly_loaded_object_elsewhere_writes_it_whole(partly_loaded: Book) -> None:
    """The control: this is Django's rule for another database, which an unsettled `default` would be."""
    Book.objects.update(title="changed by another")
    partly_loaded._state.db = None
    partly_loaded.title = "mine"
    partly_loaded.save(using="default")
    assert Book.objects.get().title == "mine"


def test_the_proxy_keeps_its_name(in_tenant: Any) -> None:
    assert (connection.alias, connections["default"].alias) == ("default", in_tenant.alias)


def test_an_alias_that_nothing_bears_is_refused_as_such() -> None:
    with pytest.raises(ConnectionDoesNotExist):
        list(Author.objects.using("nobody"))
    with pytest.raises(ConnectionDoesNotExist):
        Author(name="Ada").save(using="nobody")


def test_an_alias_that_another_tenant_bears_is_refused_as_that(other_tenant: Any) -> None:
    with pytest.raises(WrongTenantError):
        list(Author.objects.using(other_tenant.alias))


@pytest.mark.usefixtures("_other")
def test_an_object_of_a_static_database_may_be_copied_into_the_tenant(in_tenant: Any) -> None:
    author = Author(pk=1, name="Ada")
    author._state.db = "other"
    author.save(using="default")
    assert author._state.db == in_tenant.alias
    assert Author.objects.get() == author


@pytest.mark.usefixtures("_other")
def test_an_object_of_a_static_database_is_saved_there_unless_told_otherwise() -> None:
    """The control: what is not said aloud follows the object."""
    author = Author(pk=1, name="Ada")
    author._state.db = "other"
    assert router.db_for_write(Author, instance=author) == settled("other", Author, author) == "other"


@pytest.mark.parametrize("several", [list, tuple])
def test_the_admin_deletes_several_objects(in_tenant: Any, several: Any) -> None:
    author = Author.objects.create(name="Ada")
    collector = Collector(using="default", origin=several([author]))
    assert collector.using == in_tenant.alias


def test_an_object_with_a_field_called_model_is_deleted() -> None:
    kind = ContentType.objects.create(app_label="made", model="up")
    kind.delete(using="default")
    assert not ContentType.objects.filter(app_label="made").exists()


def test_a_raw_query_without_a_model_goes_to_the_active_place(in_tenant: Any) -> None:
    nothing: Any = None
    assert RawQuerySet("SELECT 1", model=nothing).db == in_tenant.alias
    with public_context():
        assert RawQuerySet("SELECT 1", model=nothing).db == "public"
    with fixed_context(UNDECIDED_PLACE), pytest.raises(NoTenantError):
        assert RawQuerySet("SELECT 1", model=nothing).db


def test_nothing_listens_for_models_of_other_apps() -> None:
    """Were there a receiver for all models, Django would load rows before it deletes them."""
    for signal in (signals.pre_delete, signals.post_delete, signals.pre_save, signals.post_save):
        assert not signal.has_listeners(Author)
