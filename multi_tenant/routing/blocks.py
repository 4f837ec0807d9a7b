"""Blocks and callbacks that belong to the place they were begun at, whichever tenant is active when they end.

Each function wraps a method of Django's, and is put in its place by the patches.
"""

from __future__ import annotations

import copy
import functools
from asyncio import CancelledError
from threading import get_ident
from typing import Any

from asgiref.sync import SyncToAsync
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic

from multi_tenant.context import Place, active_place, fixed_context
from multi_tenant.registry.aliases import DEFAULT, PUBLIC

#: The attribute of an Atomic that holds its open blocks, by thread.
OPEN_BLOCKS = "_multi_tenant_open"


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
