"""What a forked child does not share with its parent: the connections that were opened before, tenants' and static."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from threading import get_ident
from typing import Any

from django.db import connections

from multi_tenant.routing.handler import TenantConnectionHandler

#: What a connection that has lost its transaction looks like; Django itself says so only when it connects anew.
OUTSIDE_BLOCKS: tuple[tuple[str, Any], ...] = (
    ("connection", None),
    ("in_atomic_block", False),
    ("needs_rollback", False),
    ("closed_in_transaction", False),
)


#: By thread, what it holds while it forks.
held: dict[int, list[Any]] = {}


@cache
def install() -> None:
    """From now on, children that are forked open connections of their own."""
    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=leave_to_parent)


def hold() -> None:
    """Hold the connections of all threads: Python destroys those of the others at once in the child, where they end."""
    made = [reference() for reference in TenantConnectionHandler.made.valuerefs()]
    held[get_ident()] = [connection.connection for connection in made if connection is not None]


def let_go() -> None:
    """The parent goes on as before."""
    held.pop(get_ident(), None)


def leave_to_parent() -> None:
    """Let go of the parent's connections: two processes on one socket read each other's rows.

    They are not closed either: that would end the parent's sessions.
    """
    keep_for_ever(held.pop(get_ident(), None))
    if not isinstance(connections, TenantConnectionHandler):
        return
    connections.release_tenants()
    for connection in connections.all(initialized_only=True):
        if not is_in_memory(connection):
            reset(connection)
    for entry in connections.static_settings.values():
        empty_pools(entry["ENGINE"])


def reset(connection: Any) -> None:
    """Have a static connection connect anew, outside its parent's blocks; tests keep things in the object itself."""
    for name, value in OUTSIDE_BLOCKS:
        setattr(connection, name, value)
    connection.savepoint_ids, connection.atomic_blocks, connection.run_on_commit = [], [], []


def empty_pools(engine: str) -> None:
    """Pools of static databases would hand out the parent's connections, and the threads that serve them are gone."""
    backend = sys.modules.get(f"{engine}.base")
    pools = getattr(getattr(backend, "DatabaseWrapper", None), "_connection_pools", None)
    if pools:
        keep_for_ever(dict(pools))
        pools.clear()


def is_in_memory(connection: Any) -> bool:
    """Whether a child has a copy of the database itself, which it can have on this connection alone."""
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


def keep_for_ever(thing: Any) -> None:
    """Have Python never destroy an object, not even when the child ends.

    Ugly, but there is no other way: SQLite's connection, destroyed, deletes the journal of the transaction that the
    parent has open, and MySQL's says goodbye to the server on the parent's behalf.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
