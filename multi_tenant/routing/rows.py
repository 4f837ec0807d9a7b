"""The guard's look at rows: what was fetched in one tenant is not handed out in another.

Each function wraps a method of Django's, and is put in its place by the patches.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, NamedTuple

from multi_tenant.conf import Guard, conf
from multi_tenant.context import Place, active_place
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.guard import is_same, is_shared, refused
from multi_tenant.routing.homes import is_static

#: The attribute of a queryset that holds its rows.
ROWS = "_result_cache"


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
