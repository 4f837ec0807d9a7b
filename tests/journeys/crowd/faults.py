"""Guards that a crowd's server is started without, so that the test of it has to fail."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from django.db.utils import ConnectionHandler

from multi_tenant import context
from multi_tenant.middleware import tenant as middleware
from multi_tenant.routing import forks
from multi_tenant.routing.handler import TenantConnectionHandler
from tests.shared_place import one_place_for_all

# They are changed, which no type allows.
tenant: Any = middleware
fork_hook: Any = forks
handler: Any = TenantConnectionHandler
place_context: Any = context.place_context
for_good = ExitStack()


def never_left() -> None:
    place_context.__exit__ = lambda *args: None


def shared_by_all() -> None:
    for_good.enter_context(one_place_for_all())


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
