"""Guards that a crowd's server is started without, so that the test of it has to fail."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.db.utils import ConnectionHandler

from multi_tenant import context
from multi_tenant.middleware import tenant as middleware
from multi_tenant.routing import forks
from multi_tenant.routing.handler import TenantConnectionHandler

# They are changed, which no type allows.
tenant: Any = middleware
fork_hook: Any = forks
handler: Any = TenantConnectionHandler
place_context: Any = context.place_context


class EverybodysPlace:
    """One place for the whole process, in place of one for each thread, task and greenlet."""

    def __init__(self) -> None:
        self.place = context.UNDECIDED_PLACE

    def get(self) -> context.Place:
        return self.place

    def set(self, place: context.Place) -> None:
        self.place = place


def never_left() -> None:
    place_context.__exit__ = lambda *args: None


def shared_by_all() -> None:
    stock, one = context.active_place, EverybodysPlace()
    for module in list(sys.modules.values()):
        if getattr(module, "active_place", None) is stock:
            module.active_place = one  # type: ignore[attr-defined]  # it has it


def bodies_let_go() -> None:
    tenant.keep_in_place = lambda response, visit: None


def left_open() -> None:
    handler.all = ConnectionHandler.all


def inherited() -> None:
    fork_hook.connections = None


def imported_in_a_tenant() -> None:
    tenant.import_views = lambda: None


FAULTS = {
    fault.__name__: fault
    for fault in (never_left, shared_by_all, bodies_let_go, left_open, inherited, imported_in_a_tenant)
}


def commit() -> None:
    """Commit the fault that the server was asked for, if any; before the application is made."""
    if asked := os.environ.get("CROWD_FAULT"):
        FAULTS[asked]()
