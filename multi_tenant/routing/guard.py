"""The guard behind the router: refuses what was asked for in one tenant and is run in another.

Each function wraps a method of Django's, and is put in its place by the patches. ``cursors`` has the guard's looks at
connections, ``rows`` those at fetched rows. How far all of it goes is said by the setting GUARD.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db.models import Model
from django.db.models.expressions import Subquery
from django.db.models.sql import Query

from multi_tenant.conf import Guard, conf
from multi_tenant.context import Place, active_place
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.routing.homes import Home, home_of_model, is_static
from multi_tenant.routing.router import check_not_foreign, location_of, settled

#: The attribute of a query that holds the tenant it was built in; clones inherit it. Without it, it binds to any place.
BUILT = "_multi_tenant_built"
#: The attribute of a query that holds the alias of the objects that it filters by, or writes the keys of.
OBJECTS = "_multi_tenant_objects"


def note_tenant(original: Any) -> Any:
    """A query knows in which tenant it was built; one of public or of a module's body binds where it is run."""

    @functools.wraps(original)
    def __init__(self: Query, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        place = active_place.get()
        if place.uuid is not None:
            self.__dict__[BUILT] = place

    return __init__


def unbind_named(original: Any) -> Any:
    """What is asked of the public database by name is the same everywhere, also where nothing needs to be named."""

    @functools.wraps(original)
    def using(self: Any, alias: str | None) -> Any:
        queryset = original(self, alias)
        if alias == PUBLIC:
            queryset.query.__dict__.pop(BUILT, None)
        return queryset

    return using


def check_query(original: Any) -> Any:
    """Each query asks for its compiler before it is run, and as a part of another one too."""

    @functools.wraps(original)
    def get_compiler(self: Query, using: str | None = None, connection: Any = None, *args: Any, **kwargs: Any) -> Any:
        noted, place = self.__dict__, active_place.get()
        built = noted.get(BUILT)
        if built is not None and built is not place:
            check_built(self, built, using or connection.alias)
        objects = noted.get(OBJECTS)
        if objects is not None and objects != (using or connection.alias):
            check_objects_of(self, objects, using or connection.alias)
        return original(self, using, connection, *args, **kwargs)

    return get_compiler


def check_joined(original: Any) -> Any:
    """A query that is merged into another one (``|``) is never compiled itself."""

    @functools.wraps(original)
    def combine(self: Query, rhs: Query, connector: str) -> None:
        for query in (self, rhs):
            built = query.__dict__.get(BUILT)
            if built is not None:
                check_built(query, built, str(active_place.get().alias))
        if rhs.__dict__.get(OBJECTS) is not None:
            note_objects(self, rhs.__dict__[OBJECTS])
        original(self, rhs, connector)

    return combine


def check_built(query: Query, built: Place, alias: str) -> None:
    """Raise WrongTenantError when a query built in one tenant is run elsewhere.

    ``alias`` is where it is run: shared rows, and those of static databases, are the same ones everywhere.
    """
    place = active_place.get()
    if is_same(built, place) or is_static(alias) or conf.GUARD is not Guard.FULL:
        return
    if alias == PUBLIC and (place.is_tenant or is_shared(query.model)):
        return
    raise refused(query.model, "built", built, place)


def check_objects_of(query: Query, found: str, alias: str) -> None:
    """Raise WrongTenantError when a query that was given objects of one database is run on another."""
    if alias == DEFAULT:  # a query that is printed
        alias = active_place.get().alias or PUBLIC
    if found == alias or is_static(alias) or conf.GUARD is not Guard.FULL:
        return
    raise WrongTenantError(
        f"A query for {label_of(query.model)} was given an object from {found!r} and is run on {alias!r}. Load the "
        "object again where it is used, or give its key.",
        found=found,
        expected=alias,
    )


def note_value(original: Any) -> Any:
    """A filter takes an object for its key, whosever that is."""

    @functools.wraps(original)
    def check_query_object_type(self: Query, value: Any, opts: Any, field: Any) -> None:
        original(self, value, opts, field)
        note_object(self, value)

    return check_query_object_type


def note_written(original: Any) -> Any:
    """``update()`` writes an object's key, which is another row's in another database."""

    @functools.wraps(original)
    def add_update_values(self: Query, values: dict[str, Any]) -> None:
        for value in values.values():
            note_object(self, value)
        original(self, values)

    return add_update_values


def note_object(query: Query, value: Any) -> None:
    """Note whose a value is, if it is an object of a model that has rows in several databases."""
    if isinstance(value, Model) and conf.GUARD is Guard.FULL:
        alias = location_of(value)
        if alias is not None and not is_static(alias) and not is_shared(value.__class__):
            check_not_foreign(value)
            note_objects(query, alias)


def note_objects(query: Query, alias: str) -> None:
    """Note whose objects a query was given. Raises WrongTenantError when they are of two databases."""
    known = query.__dict__.setdefault(OBJECTS, alias)
    if known != alias:
        check_objects_of(query, known, alias)


def check_contained(original: Any) -> Any:
    """``contains()`` asks for the key of an object alone."""

    @functools.wraps(original)
    def contains(self: Any, obj: Any) -> bool:
        if isinstance(obj, Model) and obj._state.db is not None and conf.GUARD is Guard.FULL:
            settled(self._db, self.model, obj)
        return bool(original(self, obj))

    return contains


def check_expression(original: Any) -> Any:
    """``Exists`` and ``Subquery`` take the query alone, and forget the database that was named for it."""

    @functools.wraps(original)
    def __init__(self: Subquery, queryset: Any, *args: Any, **kwargs: Any) -> None:
        named = getattr(queryset, "_db", None)  # none of a query's
        if named not in (None, DEFAULT) and conf.GUARD is Guard.FULL:  # the outer query's is the default one, too
            settled(named, queryset.model)
        original(self, queryset, *args, **kwargs)

    return __init__


def is_same(one: Place, other: Place) -> bool:
    """Whether two places are in one tenant, or both public: a tenant that is left and entered again is the same."""
    return one.alias == other.alias and one.uuid == other.uuid


def is_shared(model: type[Model] | None) -> bool:
    """Whether a model's rows are in the public database alone."""
    return model is not None and home_of_model(model) is Home.SHARED


def refused(model: type[Model] | None, what: str, then: Place, now: Place) -> WrongTenantError:
    """The error for a query or its rows at the wrong place."""
    return WrongTenantError(
        f"A queryset of {label_of(model)} was {what} in {then.alias!r} and is used in {now.alias or 'no tenant'!r}. "
        "Build it where it is used: keep keys, not querysets, from one tenant to another. If it belongs to a class or "
        "a module, have that imported when the process starts, not inside a tenant.",
        found=then.alias,
        expected=now.alias,
    )


def label_of(model: type[Model] | None) -> str:
    """How messages name a model; a raw query may have none."""
    return "no model" if model is None else model._meta.label
