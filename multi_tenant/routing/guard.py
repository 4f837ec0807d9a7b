"""The guard behind the router: refuses a tenant's connection, and what was asked for in a tenant, at another place.

The connections call it for each use of a cursor; the rest wraps methods of Django's, and is put in its place by the
patches. How far it goes is said by the setting GUARD.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Model
from django.db.models.expressions import Subquery
from django.db.models.sql import Query

from multi_tenant.conf import Guard, conf
from multi_tenant.context import Place, active_place
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing.homes import Home, home_of, is_static
from multi_tenant.routing.router import check_not_foreign, location_of, settled

#: Attributes of a driver's cursor that neither ask nor tell anything of the database's rows.
HARMLESS = frozenset({"arraysize", "close", "closed", "connection", "description", "lastrowid", "rowcount"})
#: The attribute of a query that holds the tenant it was built in; clones inherit it. Without it, it binds to any place.
BUILT = "_multi_tenant_built"
#: The attribute of a query that holds the alias of the objects that it filters by, or writes the keys of.
OBJECTS = "_multi_tenant_objects"
#: The attribute of a queryset that holds its rows.
ROWS = "_result_cache"


def check_connection(connection: Any) -> None:
    """Raise WrongTenantError when a tenant's connection is used while that tenant is not the active one."""
    record: TenantRecord = connection.record
    place = active_place.get()
    if place.alias == record.alias and (place.uuid is record.uuid or place.uuid == record.uuid):
        return
    if not connection.guarded or conf.GUARD is Guard.OFF:
        return
    raise WrongTenantError(
        f"A connection to {record.alias!r} was used while {place.alias or 'no tenant'!r} is active. Enter the tenant "
        f"with tenant_context({record.alias!r}), and ask for connections, cursors and iterators there.",
        found=record.alias,
        expected=place.alias,
    )


class GuardedCursor:
    """The mixin over Django's cursors of a tenant: each call looks at the place anew, as a cursor may be held."""

    db: Any
    cursor: Any

    def __getattr__(self, name: str) -> Any:
        if name not in HARMLESS:
            check_connection(self.db)
        return super().__getattr__(name)  # type: ignore[misc]  # Django's cursor has it

    def fetchone(self, *args: Any) -> Any:
        """The driver's; as a method of ours, since ``iter(cursor.fetchone, None)`` looks it up once."""
        return self.__getattr__("fetchone")(*args)

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        """As ``fetchone``."""
        return self.__getattr__("fetchmany")(*args, **kwargs)

    def fetchall(self, *args: Any) -> Any:
        """As ``fetchone``."""
        return self.__getattr__("fetchall")(*args)

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():  # type: ignore[misc]  # as above
            check_connection(self.db)
            yield row

    def close(self) -> None:
        """Closing is allowed anywhere, and is no use of the connection any more."""
        self.db.forget_cursor(self)
        self.cursor.close()

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        """``callproc`` does not go the way of the other statements."""
        check_connection(self.db)
        return super().callproc(*args, **kwargs)  # type: ignore[misc]  # as above

    def _execute_with_wrappers(self, *args: Any, **kwargs: Any) -> Any:
        check_connection(self.db)
        result = super()._execute_with_wrappers(*args, **kwargs)  # type: ignore[misc]  # as above
        return self if result is self.cursor else result  # some drivers answer their cursor, which looks at nothing


def guarded(cursor: Any) -> Any:
    """The cursor, from now on guarded."""
    stock: Any = type(cursor)
    cursor.__class__ = guarded_class(stock)
    return cursor


@cache
def guarded_class(stock: Any) -> Any:
    """A class of Django's cursors with the guard over it; there are two for each engine, plain and debug."""
    return type(stock.__name__, (GuardedCursor, stock), {"__module__": stock.__module__, "__doc__": stock.__doc__})


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


class Fetched(NamedTuple):
    """Rows and where they are from, in one: threads that share a queryset must not mix them up."""

    rows: Any
    place: Place


class FetchedRows:
    """The attribute of a queryset's fetched rows: set, it notes the place; read at another one, it raises.

    ``count()``, ``exists()``, slices and prefetched relations read it past every method that could be wrapped.
    """

    def __init__(self, original: None) -> None:
        """Nothing is replaced: without us each queryset has a plain attribute."""

    def __get__(self, queryset: Any, owner: type) -> Any:
        if queryset is None:
            return self
        try:
            held = queryset.__dict__[ROWS]
        except KeyError:
            raise AttributeError(ROWS) from None
        if held.__class__ is not Fetched:  # none yet, or of a pickle from before we were installed
            return held
        if held.place is not active_place.get():
            check_fetched(queryset, held.place)
        return held.rows

    def __set__(self, queryset: Any, rows: Any) -> None:
        queryset.__dict__[ROWS] = None if rows is None else Fetched(rows, active_place.get())


def check_fetched(queryset: Any, fetched: Place) -> None:
    """Raise WrongTenantError when rows that were fetched at one place are looked at elsewhere."""
    place = active_place.get()
    if is_same(fetched, place) or conf.GUARD is not Guard.FULL or fetched.alias is None:
        return
    named = queryset._db
    if is_shared(queryset.model) or (named is not None and (named == PUBLIC or is_static(named))):
        return
    raise refused(queryset.model, "fetched", fetched, place)


def check_steps(original: Any) -> Any:
    """``iterator()`` fetches many rows at a time, and hands them out wherever its consumer has gone since."""

    @functools.wraps(original)
    def iterator(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        return checked_steps(self, original(self, *args, **kwargs))

    return iterator


def checked_steps(queryset: Any, rows: Iterator[Any]) -> Iterator[Any]:
    """The rows, as long as they are asked for at the place of the first one, where the query is run."""
    begun = active_place.get()
    for row in rows:
        if begun is not active_place.get():
            check_fetched(queryset, begun)
        yield row


def check_async_steps(original: Any) -> Any:
    """``aiterator()`` does as ``iterator()`` does."""

    @functools.wraps(original)
    def aiterator(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        return checked_async_steps(self, original(self, *args, **kwargs))

    return aiterator


async def checked_async_steps(queryset: Any, rows: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """``checked_steps`` for coroutines."""
    begun = active_place.get()
    async with aclosing(rows):
        async for row in rows:
            if begun is not active_place.get():
                check_fetched(queryset, begun)
            yield row


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
    return model is not None and home_of(model._meta.app_label) is Home.SHARED


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
