"""Every change made to Django, each with its reason; installed by the app's configuration, undone by ``uninstall``.

All are for Django 5.2 to 6.1, and can go when Django has a hook for connections that come and go. Each replacement
calls what it replaces; where Django's shape differs from what is expected here, the drift test says so.
"""

from __future__ import annotations

import copy
import functools
from asyncio import CancelledError
from collections.abc import Callable, Iterable
from importlib import import_module
from threading import get_ident
from types import ModuleType
from typing import Any

from asgiref.sync import SyncToAsync
from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ForeignObject, Model, QuerySet, deletion
from django.db.models.deletion import Collector
from django.db.models.manager import BaseManager
from django.db.models.query import RawQuerySet
from django.db.transaction import Atomic
from django.db.utils import ConnectionHandler, ConnectionRouter

from multi_tenant.context import Place, active_place, fixed_context
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.routing.deletion import note_database, relations_here
from multi_tenant.routing.handler import StaticDatabases, TenantConnectionHandler
from multi_tenant.routing.router import check_not_foreign, settled
from multi_tenant.routing.sites import SiteCache, site_cache

OPEN_BLOCKS = "_multi_tenant_open"
Wrap = Callable[[Any], Any]
Owner = type | ModuleType
originals: dict[tuple[Owner, str], Any] = {}


def install() -> None:
    """Make every change, once."""
    swap_handler()
    apply(PATCHES)


def install_late() -> None:
    """Make the changes to apps of Django's that are installed, whose models can be had by now, once."""
    if apps.is_installed("django.contrib.sites"):
        sites = import_module("django.contrib.sites.models")
        apply(((sites, "SITE_CACHE", divide_sites), (sites.SiteManager, "clear_cache", clear_sites)))


def apply(changes: Iterable[tuple[Owner, str, Wrap]]) -> None:
    """Make some changes, each once."""
    for owner, name, wrap in changes:
        if (owner, name) not in originals:
            originals[owner, name] = owner.__dict__[name]
            setattr(owner, name, wrap(owner.__dict__[name]))


def uninstall() -> None:
    """Undo every change."""
    for owner, name in list(originals):
        setattr(owner, name, originals.pop((owner, name)))
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


def enter_block(original: Any) -> Any:
    """A bare ``atomic`` fixes its connection on entry: Django would resolve ``default`` again on exit, when another
    tenant may be active, leaving one connection stuck in its block. A copy per entry, stacked by thread, serves
    decorators that threads share.
    """

    @functools.wraps(original)
    def __enter__(self: Atomic) -> None:
        if self.using not in (None, DEFAULT):
            original(self)
            return
        block = copy.copy(self)
        block.__dict__.pop(OPEN_BLOCKS, None)
        block.using = active_place.get().alias or PUBLIC
        original(block)
        self.__dict__.setdefault(OPEN_BLOCKS, {}).setdefault(get_ident(), []).append(block)

    return __enter__


def exit_block(original: Any) -> Any:
    """The other half of ``enter_block``."""

    @functools.wraps(original)
    def __exit__(self: Atomic, *exc: Any) -> None:
        open_blocks = self.__dict__.get(OPEN_BLOCKS, {})
        mine = open_blocks.get(get_ident())
        if not mine:
            original(self, *exc)
            return
        block = mine.pop()
        if not mine:  # ASGI has a thread for each request: do not grow with them
            del open_blocks[get_ident()]
        original(block, *exc)

    return __exit__


class BoundCallback:
    """An ``on_commit`` callback that runs at the place where it was registered; it equals the plain function."""

    def __init__(self, function: Any, place: Place) -> None:
        self.function = function
        self.place = place

    def __call__(self) -> Any:
        with fixed_context(self.place):
            return self.function()

    def __eq__(self, other: object) -> bool:
        return bool(self.function == (other.function if isinstance(other, BoundCallback) else other))

    def __hash__(self) -> int:
        return hash(self.function)

    def __repr__(self) -> str:
        return repr(self.function)  # for Django's log of a robust callback that failed

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)


def bind_on_commit(original: Any) -> Any:
    """Callbacks run at COMMIT, with whatever tenant is active then; they belong to the one they were registered in."""

    @functools.wraps(original)
    def on_commit(self: BaseDatabaseWrapper, func: Any, robust: bool = False) -> None:
        bound = BoundCallback(func, active_place.get()) if callable(func) else func
        original(self, bound, robust=robust)

    return on_commit


def settle_property(original: property) -> property:
    """``using("default")`` names the active tenant, or public for shared models; resolved when the query runs.

    Whatever is named, the object that is refreshed, or whose related objects are asked for, must be from there.
    """
    stock: Any = original.fget

    @functools.wraps(stock)
    def db(self: Any) -> str:
        if self._db is None:
            return str(stock(self))
        return settled(self._db, self.model, self._hints.get("instance"))

    return property(db)


def settle_subquery(original: Any) -> Any:
    """A subquery compares its alias with the outer connection's, which is never ``default``."""

    @functools.wraps(original)
    def resolve_expression(self: Any, *args: Any, **kwargs: Any) -> Any:
        query = original(self, *args, **kwargs)
        if self._db is not None:
            query._db = settled(self._db, self.model)
        return query

    return resolve_expression


def settle_collector(original: Any) -> Any:
    """A collector deletes, and sends signals, under the true name."""

    @functools.wraps(original)
    def __init__(self: Collector, using: Any, origin: Any = None, *args: Any, **kwargs: Any) -> None:
        model = model_of(origin)
        if model is not None:
            using = settled(using, model, origin if isinstance(origin, Model) else None)
        elif using == DEFAULT:
            using = active_place.get().alias or PUBLIC
        original(self, using, origin, *args, **kwargs)

    return __init__


def model_of(origin: Any) -> type[Model] | None:
    """The model of what is deleted: an object, a queryset, or objects, as the admin has it; None for none."""
    if isinstance(origin, QuerySet):
        return origin.model
    if isinstance(origin, (list, tuple)):
        return model_of(next(iter(origin), None))
    return None if origin is None else origin.__class__


def settle_instance(original: Any) -> Any:
    """``delete(using=…)`` deletes under the true name, and no object of one place in another."""

    @functools.wraps(original)
    def method(self: Model, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("using") is not None:
            kwargs["using"] = settled(kwargs["using"], type(self), self)
        return original(self, *args, **kwargs)

    return method


def settle_save_base(original: Any) -> Any:
    """All ways of saving end here, deserialised objects too; ``using`` may come by position.

    ``save`` itself stays Django's: its warnings point at its caller. It asks whether a deferred object goes back where
    it came from, which is asked again here, where the true name is known.
    """

    @functools.wraps(original)
    def save_base(
        self: Model,
        raw: bool = False,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> None:
        if using is not None:
            given, using = using, settled(using, type(self), self)
            if given != using == self._state.db and update_fields is None and not (raw or force_insert):
                update_fields = loaded_fields(self)
        original(self, raw, force_insert, force_update, using, update_fields)

    return save_base


def settle_bulk(original: Any) -> Any:
    """``bulk_create`` and ``bulk_update`` write objects, and never ask a router whose they are."""

    @functools.wraps(original)
    def method(self: Any, objs: Any, *args: Any, **kwargs: Any) -> Any:
        objs = list(objs)
        for obj in objs:
            if obj._state.db is not None:
                settled(self._db, self.model, obj)
        return original(self, objs, *args, **kwargs)

    return method


def settle_refresh(original: Any) -> Any:
    """A queryset that is given to refresh from knows nothing of the object."""

    @functools.wraps(original)
    def refresh_from_db(self: Model, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        if from_queryset is not None:
            from_queryset = from_queryset.all()
            from_queryset._add_hints(instance=self)
        original(self, using, fields, from_queryset)

    return refresh_from_db


def check_value(original: Any) -> Any:
    """An object that is given to ``update()`` is written as its key, which may be another's here."""

    @functools.wraps(original)
    def prepare_database_save(self: Model, field: Any) -> Any:
        check_not_foreign(self)
        return original(self, field)

    return prepare_database_save


def loaded_fields(instance: Model) -> frozenset[str] | None:
    """The fields that a partly loaded object writes back, None for a whole one; as ``Model.save`` has it."""
    fields, keys = instance._meta.concrete_fields, instance._meta.pk_fields
    deferred = {field.attname for field in fields if not field.generated} - instance.__dict__.keys()
    loaded = {field.attname for field in fields if field not in keys} - deferred
    return frozenset(loaded) or None if deferred else None


def settle_route(original: Any) -> Any:
    """A project's own router may say ``default``; its answer is taken as ours would be."""

    @functools.wraps(original)
    def route(self: ConnectionRouter, model: type[Model], **hints: Any) -> str:
        alias = original(self, model, **hints)
        return settled(DEFAULT, model, hints.get("instance")) if alias == DEFAULT else str(alias)

    return route


def check_related(original: Any) -> Any:
    """``remove`` of managers, and prefetching for several objects, take their keys and never ask whose they are."""

    @functools.wraps(original)
    def related_value(self: ForeignObject[Any, Any], instance: Model) -> Any:
        check_not_foreign(instance)
        return original(self, instance)

    return related_value


def keep_place(original: Any) -> Any:
    """A cancelled ``sync_to_async`` leaves its thread at work, and brings home the place where that is just now."""

    @functools.wraps(original)
    async def __call__(self: SyncToAsync[Any, Any], *args: Any, **kwargs: Any) -> Any:
        place = active_place.get()
        try:
            return await original(self, *args, **kwargs)
        except CancelledError:
            active_place.set(place)
            raise

    return __call__


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
    (QuerySet, "db", settle_property),
    (RawQuerySet, "db", settle_property),
    (BaseManager, "db", settle_property),
    (QuerySet, "resolve_expression", settle_subquery),
    (QuerySet, "bulk_create", settle_bulk),
    (QuerySet, "bulk_update", settle_bulk),
    (Collector, "__init__", settle_collector),
    (Collector, "collect", note_database),
    (Collector, "can_fast_delete", note_database),
    (deletion, "get_candidate_relations_to_delete", relations_here),
    (ForeignObject, "get_local_related_value", check_related),
    (ForeignObject, "get_foreign_related_value", check_related),
    (Model, "delete", settle_instance),
    (Model, "refresh_from_db", settle_refresh),
    (Model, "prepare_database_save", check_value),
    (Model, "save_base", settle_save_base),
    (SyncToAsync, "__call__", keep_place),
    (ConnectionRouter, "db_for_read", settle_route),
    (ConnectionRouter, "db_for_write", settle_route),
)
