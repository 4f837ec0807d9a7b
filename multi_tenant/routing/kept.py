"""Which of a thread's kept connections Django has to look at; the handler answers its hooks so, connections tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections, reset_queries

if TYPE_CHECKING:
    from multi_tenant.routing.wrapper import TenantConnection

#: Django's hooks before and after each request. They ask every connection of the thread, which may keep hundreds.
HOOKS = frozenset({close_old_connections.__code__, reset_queries.__code__})


class Stirred(dict[str, "TenantConnection"]):
    """The connections of a thread, by alias, in which something may have changed since Django looked at them.

    ``due`` is when the first of the others will be too old. ``partial`` says that the thread has a connection which
    does not tell of its changes here, so that all have to be looked at.
    """

    due = inf
    partial = False

    def among(self, live: Mapping[str, TenantConnection]) -> Iterable[TenantConnection]:
        """Those that Django has to look at of the thread's connections."""
        if self.partial:
            return live.values()
        if monotonic() >= self.due:
            self.due = inf
            self.update(live)
        return [connection for connection in self.values() if live.get(connection.alias) is connection]

    def settle(self, connection: TenantConnection) -> None:
        """Note that there is nothing to see in a connection until it is stirred again, or too old."""
        self.pop(connection.alias, None)
        if connection.connection is not None and connection.close_at is not None:
            self.due = min(self.due, connection.close_at)


class Stirring:
    """An attribute of connections that Django looks at; who sets it, stirs the connection.

    It has no ``__get__``, so that reading it costs nothing: Python finds what is in the connection's own dict.
    """

    def __set_name__(self, owner: type[TenantConnection], name: str) -> None:
        self.name = name

    def __set__(self, connection: TenantConnection, value: Any) -> None:
        connection.__dict__[self.name] = value
        connection.stir()
