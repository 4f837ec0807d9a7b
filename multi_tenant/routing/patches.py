"""Every change made to Django, each with its reason; installed by the app's configuration, undone by ``uninstall``.

All are for Django 5.2 to 6.1, and can go when Django has a hook for connections that come and go. Each replacement
calls what it replaces, and tells its reason where it is written. The drift test says where Django's shape differs from
what is expected here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from asgiref.sync import SyncToAsync
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignObject, Model, QuerySet, deletion, query
from django.db.models.deletion import Collector
from django.db.models.expressions import Subquery
from django.db.models.fields.related import RelatedField
from django.db.models.manager import BaseManager
from django.db.models.query import RawQuerySet
from django.db.models.sql import Query, UpdateQuery, compiler
from django.db.transaction import Atomic
from django.db.utils import ConnectionHandler, ConnectionRouter

from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.routing.blocks import bind_on_commit, enter_block, exit_block, keep_place
from multi_tenant.routing.deletion import note_database, relations_here, tell_before
from multi_tenant.routing.guard import (
    check_contained,
    check_expression,
    check_joined,
    check_query,
    note_tenant,
    note_value,
    note_written,
    unbind_named,
)
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.joins import select_joinable
from multi_tenant.routing.owner import run_as_owner
from multi_tenant.routing.parts import OwnTypes
from multi_tenant.routing.rows import FetchedRows, check_async_steps, check_steps
from multi_tenant.routing.settling import (
    check_neighbour,
    check_pointed_at,
    check_pointing,
    check_value,
    own_lookups,
    settle_bulk,
    settle_collector,
    settle_instance,
    settle_property,
    settle_refresh,
    settle_route,
    settle_save_base,
    settle_subquery,
)
from multi_tenant.routing.sites import SiteCache, site_cache
from multi_tenant.routing.static import StaticDatabases

Wrap = Callable[[Any], Any]
Owner = type | ModuleType
originals: dict[tuple[Owner, str], Any] = {}


def install() -> None:
    """Make every change, once."""
    swap_handler()
    apply(PATCHES)


def install_late() -> None:
    """Make the changes to apps of Django's that are installed, whose models can be had by now, once."""
    if apps.is_installed("django.contrib.contenttypes"):
        # By alias alone, the ids of a tenant that is purged were those of the next one of its alias.
        apply(((import_module("django.contrib.contenttypes.models").ContentTypeManager, "_cache", OwnTypes),))
    if apps.is_installed("django.contrib.sites"):
        sites = import_module("django.contrib.sites.models")
        apply(((sites, "SITE_CACHE", divide_sites), (sites.SiteManager, "clear_cache", clear_sites)))


def apply(changes: Iterable[tuple[Owner, str, Wrap]]) -> None:
    """Make some changes, each once."""
    for owner, name, wrap in changes:
        if (owner, name) not in originals:
            originals[owner, name] = owner.__dict__.get(name)
            setattr(owner, name, wrap(originals[owner, name]))


def undo(changes: Iterable[tuple[Owner, str]]) -> None:
    """Undo some changes that were made."""
    for owner, name in changes:
        original = originals.pop((owner, name))
        if original is None:  # an attribute that instances alone have without us
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def uninstall() -> None:
    """Undo every change."""
    undo(list(originals))
    if installed():
        connections.__class__ = ConnectionHandler
        connection.__dict__.pop("alias", None)
        settings.DATABASES = dict(settings.DATABASES)
        rename_public(DEFAULT)
        connections.__dict__.pop("static_settings", None)


def installed() -> bool:
    """Whether the handler is in place."""
    return isinstance(connections, TenantConnectionHandler)


def swap_handler() -> None:
    """Give ``django.db.connections`` our class.

    24 modules hold that very object, and the stock class serves caches and tasks too, so neither can be replaced.
    ``settings.DATABASES`` becomes a dict that answers ``public``: ``create_test_db`` looks up the wrapper's alias.
    """
    if installed():
        return
    settings.DATABASES = StaticDatabases(settings.DATABASES)
    connections.__dict__.pop("settings", None)
    connections._settings = None  # type: ignore[attr-defined]  # BaseConnectionHandler's own, not in the stubs
    connections.__class__ = TenantConnectionHandler
    # The proxy follows the active tenant, and is asked by name whether tests may use it.
    connection.__dict__["alias"] = DEFAULT
    rename_public(PUBLIC)


def rename_public(alias: str) -> None:
    """Rename this thread's public connection, if it was made already."""
    storage: Any = connections._connections  # type: ignore[attr-defined]  # as above
    if hasattr(storage, DEFAULT):
        storage.default.alias = alias


def divide_sites(original: Any) -> SiteCache:
    """``SITE_CACHE`` knows a site by its key or host alone, and gave one tenant's to the next."""
    return site_cache


def clear_sites(original: Any) -> Any:
    """Django puts a new dict in the place of the old one."""

    @functools.wraps(original)
    def clear_cache(self: Any) -> None:
        site_cache.clear()

    return clear_cache


PATCHES: tuple[tuple[Owner, str, Wrap], ...] = (
    (Atomic, "__enter__", enter_block),
    (Atomic, "__exit__", exit_block),
    (BaseDatabaseWrapper, "on_commit", bind_on_commit),
    (BaseCommand, "execute", run_as_owner),
    (QuerySet, "db", settle_property),
    (RawQuerySet, "db", settle_property),
    (BaseManager, "db", settle_property),
    (QuerySet, "resolve_expression", settle_subquery),
    (QuerySet, "bulk_create", settle_bulk),
    (QuerySet, "bulk_update", settle_bulk),
    (Collector, "__init__", settle_collector),
    (Collector, "collect", note_database),
    (Collector, "can_fast_delete", note_database),
    (Collector, "delete", tell_before),
    (deletion, "get_candidate_relations_to_delete", relations_here),
    (ForeignObject, "get_local_related_value", check_pointing),
    (ForeignObject, "get_foreign_related_value", check_pointed_at),
    (RelatedField, "get_forward_related_filter", check_pointed_at),
    (Field, "get_filter_kwargs_for_object", check_neighbour),
    (query, "normalize_prefetch_lookups", own_lookups),
    (compiler, "select_related_descend", select_joinable),
    (Model, "delete", settle_instance),
    (Model, "refresh_from_db", settle_refresh),
    (Model, "prepare_database_save", check_value),
    (Model, "save_base", settle_save_base),
    (SyncToAsync, "__call__", keep_place),
    (ConnectionRouter, "db_for_read", settle_route),
    (ConnectionRouter, "db_for_write", settle_route),
    (Query, "__init__", note_tenant),
    (Query, "get_compiler", check_query),
    (Query, "combine", check_joined),
    (Query, "check_query_object_type", note_value),
    (UpdateQuery, "add_update_values", note_written),
    (QuerySet, "_result_cache", FetchedRows),
    (RawQuerySet, "_result_cache", FetchedRows),
    (QuerySet, "using", unbind_named),
    (QuerySet, "iterator", check_steps),
    (RawQuerySet, "iterator", check_steps),
    (QuerySet, "aiterator", check_async_steps),
    (QuerySet, "contains", check_contained),
    (Subquery, "__init__", check_expression),
)
