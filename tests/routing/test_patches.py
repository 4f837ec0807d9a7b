"""The changes made to Django: made once, undone whole, and fitting Django's shape."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import django
import django.db
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentTypeManager
from django.core.handlers.base import BaseHandler
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet
from django.db.models.sql import Query
from django.db.transaction import Atomic, get_connection
from django.db.utils import ConnectionHandler
from django.utils.connection import BaseConnectionHandler

from multi_tenant.routing import patches
from multi_tenant.routing.handler import TenantConnectionHandler

#: What each replacement takes for granted, Django 5.2 to 6.1. A patch without a line here fails the test.
SIGNATURES = {
    "Atomic.__enter__": "(self)",
    "Atomic.__exit__": "(self, exc_type, exc_value, traceback)",
    "BaseDatabaseWrapper.on_commit": "(self, func, robust=False)",
    "BaseCommand.execute": "(self, *args, **options)",
    "QuerySet.db": "(self)",
    "RawQuerySet.db": "(self)",
    "BaseManager.db": "(self)",
    "QuerySet.resolve_expression": "(self, *args, **kwargs)",
    "QuerySet.bulk_create": "(self, objs, batch_size=None, ignore_conflicts=False, update_conflicts=False, "
    "update_fields=None, unique_fields=None)",
    "QuerySet.bulk_update": "(self, objs, fields, batch_size=None)",
    "Collector.__init__": "(self, using, origin=None)"
    if django.VERSION < (6, 1)
    else "(self, using, origin=None, force_collection=False)",
    "Collector.collect": "(self, objs, source=None, nullable=False, collect_related=True, source_attr=None, "
    "reverse_dependency=False, keep_parents=False, fail_on_restricted=True)",
    "Collector.can_fast_delete": "(self, objs, from_field=None)",
    "Collector.delete": "(self)",
    "deletion.get_candidate_relations_to_delete": "(opts)",
    "ForeignObject.get_local_related_value": "(self, instance)",
    "ForeignObject.get_foreign_related_value": "(self, instance)",
    "RelatedField.get_forward_related_filter": "(self, obj)",
    "Field.get_filter_kwargs_for_object": "(self, obj)",
    "query.normalize_prefetch_lookups": "(lookups, prefix=None)",
    "compiler.select_related_descend": "(field, restricted, requested, select_mask)",
    "Model.delete": "(self, using=None, keep_parents=False)",
    "Model.refresh_from_db": "(self, using=None, fields=None, from_queryset=None)",
    "Model.prepare_database_save": "(self, field)",
    "Model.save_base": "(self, raw=False, force_insert=False, force_update=False, using=None, update_fields=None)",
    "SyncToAsync.__call__": "(self, *args, **kwargs)",
    "ConnectionRouter.db_for_read": "(self, model, **hints)",
    "ConnectionRouter.db_for_write": "(self, model, **hints)",
    "Query.__init__": "(self, model, alias_cols=True)",
    "Query.get_compiler": "(self, using=None, connection=None, elide_empty=True)",
    "Query.combine": "(self, rhs, connector)",
    "Query.check_query_object_type": "(self, value, opts, field)",
    "UpdateQuery.add_update_values": "(self, values)",
    "QuerySet.using": "(self, alias)",
    "QuerySet.iterator": "(self, chunk_size=None)",
    "RawQuerySet.iterator": "(self)",
    "QuerySet.aiterator": "(self, chunk_size=2000)",
    "QuerySet.contains": "(self, obj)",
    "Subquery.__init__": "(self, queryset, output_field=None, **extra)",
}
#: Attributes that instances alone have without us.
OF_INSTANCES = {(QuerySet, "_result_cache"), (RawQuerySet, "_result_cache"), (ContentTypeManager, "_cache")}
#: What the handler overrides, and its subclassing takes for granted.
HANDLER = {
    "__getitem__": "(self, alias)",
    "__setitem__": "(self, key, value)",
    "__delitem__": "(self, key)",
    "__iter__": "(self)",
    "all": "(self, initialized_only=False)",
    "close_all": "(self)",
}
#: The lines of Django's that a patch is about; without them it has lost its reason.
SHAPES = {
    (Atomic, "__enter__"): "get_connection(self.using)",
    (Atomic, "__exit__"): "get_connection(self.using)",
    (QuerySet, "db"): "self._db or router.db_for",
    (Model, "delete"): "using or router.db_for_write(",
    (Model, "save_base"): "using or router.db_for_write(",
    (BaseDatabaseWrapper, "on_commit"): "self.run_on_commit.append((set(self.savepoint_ids), func, robust))",
    (BaseHandler, "make_view_atomic"): "connections.settings",
    (Query, "chain"): "obj = self.clone()",
    (Query, "clone"): "obj.__dict__ = self.__dict__.copy()",
    (QuerySet, "count"): "self._result_cache is not None",
    (django.db, "close_old_connections"): "connections.all(initialized_only=True)",
    (ContentTypeManager, "__init__"): "self._cache = {}",
    (ContentTypeManager, "_get_from_cache"): "self._cache[self.db][key]",
    (ContentTypeManager, "_add_to_cache"): "self._cache.setdefault(using, {})[key] = ct",
    (django.db, "reset_queries"): "connections.all(initialized_only=True)",
}


@pytest.fixture
def uninstalled() -> Iterator[None]:
    """Django as it is without us; the test kit's own class of the handler comes back after."""
    found, originals = type(connections), dict(patches.originals)
    patches.uninstall()
    try:
        yield
    finally:
        patches.install()
        patches.install_late()
        connections.__class__ = found
    assert patches.originals.keys() == originals.keys()


def name_of(owner: Any, name: str) -> str:
    return f"{owner.__name__.rpartition('.')[2]}.{name}"


def function(member: Any) -> Any:
    return member.fget if isinstance(member, property) else member


def bare(signature: inspect.Signature) -> str:
    """A signature without its annotations."""
    parameters = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(inspect.Signature(parameters))


def test_each_patched_method_has_the_signature_that_is_expected() -> None:
    found = {
        name_of(owner, name): bare(inspect.signature(function(original)))
        for (owner, name), original in patches.originals.items()
        if original is not None
    }
    assert found == SIGNATURES
    assert {change for change, original in patches.originals.items() if original is None} == OF_INSTANCES


def test_the_handlers_methods_have_the_signatures_that_are_expected() -> None:
    found = {name: str(inspect.signature(BaseConnectionHandler.__dict__[name])) for name in HANDLER}
    assert found == HANDLER
    assert "__contains__" not in {*vars(BaseConnectionHandler), *vars(ConnectionHandler)}
    assert BaseConnectionHandler.__dict__["settings"].func


@pytest.mark.parametrize(("owner", "name"), SHAPES, ids=lambda part: getattr(part, "__name__", part))
def test_django_still_does_what_the_patch_is_about(owner: type, name: str) -> None:
    member = patches.originals.get((owner, name), owner.__dict__.get(name))
    assert SHAPES[owner, name] in inspect.getsource(function(member))


def test_django_asks_for_default_where_nothing_is_named() -> None:
    assert "using = DEFAULT_DB_ALIAS" in inspect.getsource(get_connection)
    assert DEFAULT_DB_ALIAS == "default"


def test_what_wraps_a_method_keeps_its_name_and_signature() -> None:
    for owner, name in patches.originals.keys() - OF_INSTANCES:
        now, original = function(owner.__dict__[name]), function(patches.originals[owner, name])
        assert now.__wrapped__ is original
        assert (now.__name__, now.__doc__) == (original.__name__, original.__doc__)


def test_installing_twice_is_installing_once() -> None:
    before = {(owner, name): owner.__dict__[name] for owner, name, _ in patches.PATCHES}
    handler = type(connections)
    patches.install()
    assert all(owner.__dict__[name] is before[owner, name] for owner, name, _ in patches.PATCHES)
    assert type(connections) is handler


def test_uninstalling_leaves_nothing_behind(uninstalled: None) -> None:
    assert not patches.installed()
    assert patches.originals == {}
    assert type(connections) is ConnectionHandler
    assert type(settings.DATABASES) is dict
    assert not any(name in owner.__dict__ for owner, name in OF_INSTANCES)
    for owner, name in {change[:2] for change in patches.PATCHES} - OF_INSTANCES:
        member = function(owner.__dict__[name])
        assert not member.__module__.startswith("multi_tenant")
    patches.uninstall()  # twice is once


@pytest.mark.django_db(transaction=True)
def test_without_us_default_is_default_again(uninstalled: None) -> None:
    connection = connections["default"]
    try:
        assert connection.alias == "default"
        assert connections.settings["default"]["ENGINE"] == connection.settings_dict["ENGINE"]
        with pytest.raises(KeyError):
            settings.DATABASES["public"]
    finally:
        connection.close()


def test_with_us_the_same_object_serves_everybody() -> None:
    assert isinstance(connections, TenantConnectionHandler)
    assert transaction.connections is models.query.connections is connections  # type: ignore[attr-defined]  # Django's own
    assert connections["default"] is connections["public"]
    assert connections["public"].alias == "public"
    assert settings.DATABASES["public"] is settings.DATABASES["default"]
