"""Which tenant it is now: entered with a context manager, restored by value, read by the router and the handler."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar
from uuid import UUID

from multi_tenant.calls import decorated, sendable
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
        self._place = UNDECIDED_PLACE

    def find(self) -> Place:
        """The place to go to; may ask the registry."""
        raise NotImplementedError

    async def afind(self) -> Place:
        """``find`` for coroutines."""
        return self.find()

    def again(self) -> Self:
        """A fresh context of the same place, for one call of a decorated function."""
        raise NotImplementedError

    def closing(self) -> place_context:
        """Where a generator is closed that ran in this context last, though its consumer is elsewhere by now."""
        return self.again()

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
        self._previous, self._place = active_place.get(), place
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

    def closing(self) -> place_context:
        # A look-up, or a refusal to come from another tenant, would leave the generator to end elsewhere.
        return fixed_context(self._place)

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
    """Bind a function to the place where it is bound now, for threads, callbacks, executors and other processes.

    A tenant is looked up again when the function runs, so one suspended since is refused. What is bound can be pickled
    if the function can, unless it is a coroutine function or a generator. Raises NoTenantError when nothing is decided.
    """
    place = active_place.get()
    if place.alias is None:
        raise NoTenantError("There is no tenant to bind to. Call tenant_bound inside tenant_context or public_context.")
    return sendable(function, functools.partial(context_of, place))


def context_of(place: Place) -> place_context:
    """A context that goes to a place entered before, and looks its tenant up again."""
    if not place.is_tenant or place.record is not None:
        return fixed_context(place)
    context = tenant_context(str(place.alias), switch=True, any_state=place.any_state)
    context.uuid = place.uuid
    return context


def forget_tenant() -> None:
    """A forked child does not inherit the parent's place."""
    active_place.set(UNDECIDED_PLACE)


os.register_at_fork(after_in_child=forget_tenant)
