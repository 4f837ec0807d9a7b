"""The fault of faults: one place for the whole process, for tests of what keeps threads, tasks and greenlets apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from multi_tenant import context


class SharedPlace:
    """Stands in for the ContextVar, with one value for all who ask."""

    def __init__(self, place: context.Place) -> None:
        self.place = place

    def get(self) -> context.Place:
        return self.place

    def set(self, place: context.Place) -> None:
        self.place = place


@contextmanager
def one_place_for_all() -> Iterator[None]:
    """Whoever enters a tenant takes everybody along."""
    stock = context.active_place
    shared = SharedPlace(stock.get())
    holders = [module for module in list(sys.modules.values()) if getattr(module, "active_place", None) is stock]
    with ExitStack() as stack:
        for module in holders:
            stack.enter_context(patch.object(module, "active_place", shared))
        yield
