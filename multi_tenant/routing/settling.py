"""Explicit aliases and objects, settled when they are used: under their true names, and at home.

Each function wraps a method of Django's, and is put in its place by the patches.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable
from typing import Any

from django.db.models import Field, ForeignObject, Model, Prefetch, QuerySet
from django.db.models.deletion import Collector
from django.db.utils import ConnectionRouter

from multi_tenant.context import active_place
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.routing.router import check_belongs, check_not_foreign, settled


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


def check_pointing(original: Any) -> Any:
    """``remove`` of managers, and prefetching for several objects, take their keys and never ask whose they are."""

    @functools.wraps(original)
    def related_value(self: ForeignObject[Any, Any], instance: Model) -> Any:
        check_belongs(instance, self.related_model)
        return original(self, instance)

    return related_value


def check_pointed_at(original: Any) -> Any:
    """``check_pointing`` for the object at the other end of a relation; ``set_…_order()`` asks nothing more of it."""

    @functools.wraps(original)
    def related_value(self: ForeignObject[Any, Any], obj: Model) -> Any:
        check_belongs(obj, self.model)
        return original(self, obj)

    return related_value


def check_neighbour(original: Any) -> Any:
    """``get_next_in_order()`` looks for a value of the object's in whichever database is active."""

    @functools.wraps(original)
    def get_filter_kwargs_for_object(self: Field[Any, Any], obj: Model) -> Any:
        check_not_foreign(obj)
        return original(self, obj)

    return get_filter_kwargs_for_object


def own_lookups(original: Any) -> Any:
    """Prefetching notes an object in the very queryset of a ``Prefetch``, which all tenants use if it is a class's."""

    @functools.wraps(original)
    def normalize_prefetch_lookups(lookups: Iterable[Any], prefix: str | None = None) -> Any:
        return original([own_lookup(lookup) for lookup in lookups], prefix)

    return normalize_prefetch_lookups


def own_lookup(lookup: Any) -> Any:
    """A lookup whose queryset and hints nobody else has."""
    if not isinstance(lookup, Prefetch) or lookup.queryset is None:
        return lookup
    own: Any = copy.copy(lookup)
    own.queryset = lookup.queryset.all()
    own.queryset._hints = dict(own.queryset._hints)
    return own
