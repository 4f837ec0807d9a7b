"""Which tenant it is now: entered with a context manager, restored by value, read by the router and the handler."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar
from uuid import UUID

from asgiref.sync import iscoroutinefunction

from multi_tenant.exceptions import (
    NoTenantError,
    TenantSwitchError,
    TenantUnavailableError,
    UnknownTenantError,
)
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.store import store

P = ParamSpec("P")
R = TypeVar("R")
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Place:
    """Where code runs: a tenant, public, or (alias None) undecided.

    ``record`` stands for databases that the registry does not serve: a template, or a tenant that is being made.
    """

    alias: str | None
    uuid: UUID | None = None
    any_state: bool = False
    record: TenantRecord | None = None

    @property
    def is_tenant(self) -> bool:
        """Whether a tenant's database, or one that is being made, is active."""
        return self.alias is not None and self.alias != PUBLIC


UNDECIDED_PLACE = Place(None)
PUBLIC_PLACE = Place(PUBLIC)
#: A new thread starts with an empty context, hence undecided; ``django.setup()`` makes its own thread public.
active_place: ContextVar[Place] = ContextVar("multi_tenant", default=UNDECIDED_PLACE)


def current_alias() -> str | None:
    """The alias of the active tenant, ``"public"``, or None while nothing is decided."""
    return active_place.get().alias


def current_tenant() -> TenantRecord | None:
    """The active tenant as the store knows it; None on the public site, while undecided and in a template."""
    place = active_place.get()
    if not place.is_tenant or place.uuid is None:
        return None
    return record_at(place)


def record_at(place: Place) -> TenantRecord:
    """The record of an entered tenant, as fresh as the store has it.

    Raises TenantUnavailableError when it has left its active state since, UnknownTenantError when its alias has gone
    to another tenant.
    """
    if place.record is not None:
        return place.record
    record = store.get(str(place.alias), any_age=True)
    refuse_unserved(record, uuid=place.uuid, any_state=place.any_state)
    return record


def refuse_unserved(record: TenantRecord, *, uuid: UUID | None, any_state: bool) -> None:
    """Raise UnknownTenantError for another tenant's record, TenantUnavailableError for one that is not active."""
    if uuid is not None and record.uuid != uuid:
        raise UnknownTenantError(
            record.alias,
            f"The alias {record.alias!r} belongs to another tenant by now. Look the tenant up again.",
        )
    if record.state != ACTIVE and not any_state:
        raise TenantUnavailableError(record.alias, record.state)


class place_context:
    """Runs a block, or the function it decorates, at a place; the base of all contexts.

    Generators that it decorates are at the place only while they run, not while their consumer does.
    """

    def __init__(self) -> None:
        self._previous: Place | None = None

    def find(self) -> Place:
        """The place to go to; may ask the registry."""
        raise NotImplementedError

    async def afind(self) -> Place:
        """``find`` for coroutines."""
        return self.find()

    def again(self) -> Self:
        """A fresh context of the same place, for one call of a decorated function."""
        raise NotImplementedError

    def __enter__(self) -> None:
        self._enter(self.find())

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        # By value: a token cannot be reset in another context, as happens across `sync_to_async`.
        previous, self._previous = self._previous, None
        active_place.set(previous or UNDECIDED_PLACE)

    async def __aenter__(self) -> None:
        self._enter(await self.afind())

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, tb)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return decorated(function, self.again)

    def _enter(self, place: Place) -> None:
        if self._previous is not None:
            raise RuntimeError("This context is entered already. Make a new one for each block.")
        self._previous = active_place.get()
        active_place.set(place)


class tenant_context(place_context):
    """Runs a block or a function in a tenant, given by alias, by row or by record.

    ``switch`` allows to come straight from another tenant; ``any_state`` lets operators' code into a tenant that is not
    active. Raises UnknownTenantError, TenantUnavailableError, TenantSwitchError, NoTenantError for None, and what
    ``store.get`` raises.
    """

    def __init__(self, tenant: Any, *, switch: bool = False, any_state: bool = False) -> None:
        super().__init__()
        if tenant is None:
            raise NoTenantError("None was given for a tenant to enter. Give an alias; for public say public_context().")
        self.alias: str = tenant if isinstance(tenant, str) else tenant.alias
        self.uuid: UUID | None = None if isinstance(tenant, str) else tenant.uuid
        self.switch = switch
        self.any_state = any_state

    def again(self) -> Self:
        again = type(self)(self.alias, switch=self.switch, any_state=self.any_state)
        again.uuid = self.uuid
        return again

    def find(self) -> Place:
        return self._already_there() or self._place_of(store.get(self.alias))

    async def afind(self) -> Place:
        return self._already_there() or self._place_of(await store.aget(self.alias))

    def _already_there(self) -> Place | None:
        """The active place, when it is the wanted one; it needs no look-up, even inside a loop."""
        place = active_place.get()
        if place.is_tenant and place.alias != self.alias and not self.switch:
            raise TenantSwitchError(str(place.alias), self.alias)
        same = place.is_tenant and place.alias == self.alias and self.uuid in (None, place.uuid)
        return place if same and (place.any_state or not self.any_state) else None

    def _place_of(self, record: TenantRecord) -> Place:
        refuse_unserved(record, uuid=self.uuid, any_state=self.any_state)
        return Place(record.alias, record.uuid, self.any_state)


class fixed_context(place_context):
    """Runs a block or a function at a place that is known already."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def find(self) -> Place:
        return self.place

    def again(self) -> Self:
        return type(self)(self.place)


class public_context(fixed_context):
    """Runs a block or a function on the public database."""

    def __init__(self) -> None:
        super().__init__(PUBLIC_PLACE)

    def again(self) -> Self:
        return type(self)()


def record_context(record: TenantRecord) -> fixed_context:
    """Runs a block in a database that the registry does not serve yet; for the lifecycle alone."""
    return fixed_context(Place(record.alias, record.uuid, any_state=True, record=record))


def tenant_bound(function: Callable[P, R]) -> Callable[P, R]:
    """Bind a function to the place where it is bound now, for threads, callbacks and executors.

    A tenant is looked up again when the function runs, so one suspended since is refused. Raises NoTenantError when
    nothing is decided.
    """
    place = active_place.get()
    if place.alias is None:
        raise NoTenantError("There is no tenant to bind to. Call tenant_bound inside tenant_context or public_context.")
    return decorated(function, functools.partial(context_of, place))


def context_of(place: Place) -> place_context:
    """A context that goes to a place entered before, and looks its tenant up again."""
    if not place.is_tenant or place.record is not None:
        return fixed_context(place)
    context = tenant_context(str(place.alias), switch=True, any_state=place.any_state)
    context.uuid = place.uuid
    return context


def decorated(function: Callable[P, R], context: Callable[[], place_context]) -> Callable[P, R]:
    """The function, whatever its kind, running in a fresh context at each call."""
    wrapper: Any
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            return asteps(function(*args, **kwargs), context)

    elif iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):

        @functools.wraps(function)
        async def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            async with context():
                return await function(*args, **kwargs)  # type: ignore[misc]  # it answers a coroutine

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            return steps(function(*args, **kwargs), context)

    else:

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            with context():
                result = function(*args, **kwargs)
            return followed(result, context)

    return wrapper  # type: ignore[no-any-return]  # each branch keeps the function's signature


def followed(result: Any, context: Callable[[], place_context]) -> Any:
    """What a plain function answers; a coroutine or a generator, which has not run yet, is to run in the context too.

    Decorators that know nothing of them, and objects that are called, answer such.
    """
    if inspect.iscoroutine(result):
        return awaited(result, context)
    if inspect.isgenerator(result):
        return steps(result, context)
    return asteps(result, context) if inspect.isasyncgen(result) else result


async def awaited(coroutine: Coroutine[Any, Any, R], context: Callable[[], place_context]) -> R:
    """Run a coroutine in the context."""
    async with context():
        return await coroutine


def steps(iterator: Any, context: Callable[[], place_context]) -> Generator[Any, Any, Any]:
    """Iterate with the context entered for each step, and for closing, alone; a generator gets what is sent to it."""
    resume = functools.partial(next, iterator)
    place = UNDECIDED_PLACE
    try:
        while True:
            with context():
                place = active_place.get()
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as exc:  # whatever is thrown in is the iterator's to catch
                if not hasattr(iterator, "throw"):
                    raise
                resume = functools.partial(iterator.throw, exc)
            else:
                resume = functools.partial(next, iterator) if sent is None else functools.partial(iterator.send, sent)
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            with last_context(context, place):
                close()


async def asteps(iterator: Any, context: Callable[[], place_context]) -> AsyncGenerator[Any, Any]:
    """``steps`` for async iterators."""
    resume = functools.partial(anext, iterator)
    place = UNDECIDED_PLACE
    try:
        while True:
            async with context():
                place = active_place.get()
                try:
                    item = await resume()
                except StopAsyncIteration:
                    return
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as exc:  # whatever is thrown in is the iterator's to catch
                if not hasattr(iterator, "athrow"):
                    raise
                resume = functools.partial(iterator.athrow, exc)
            else:
                resume = functools.partial(anext, iterator) if sent is None else functools.partial(iterator.asend, sent)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            async with last_context(context, place):
                await close()


def last_context(context: Callable[[], place_context], place: Place) -> place_context:
    """Where a generator is closed: where it ran last, though its consumer, or the garbage collector, is elsewhere.

    A ``tenant_context`` would refuse to come from another tenant, and leave the generator to end there.
    """
    last = context()
    return fixed_context(place) if isinstance(last, tenant_context) else last


def forget_tenant() -> None:
    """A forked child does not inherit the parent's place."""
    active_place.set(UNDECIDED_PLACE)


os.register_at_fork(after_in_child=forget_tenant)
