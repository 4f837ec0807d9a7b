"""What a running TestCase has to roll back: a block on each connection that it was handed; kept by the test kit."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from threading import get_ident
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.transaction import Atomic

from multi_tenant.context import PUBLIC_PLACE, Place, active_place, fixed_context
from multi_tenant.exceptions import MultiTenantError, TenantConnectionError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.loops import in_event_loop
from multi_tenant.routing.wrapper import TenantConnection


class Level:
    """One open level of a TestCase, its class or one of its tests: a block per alias, rolled back at its end.

    A connection belongs to its thread, so only those of the test's own thread can be enrolled.
    """

    def __init__(self, *, takes_tenants: bool) -> None:
        self.blocks: dict[str, Atomic] = {}
        self.takes_tenants = takes_tenants
        self.thread = get_ident()
        self.out_of_reach: set[str] = set()

    def open(self, aliases: Iterable[str]) -> None:
        """Make this the innermost level, with a block on each of these aliases and on all that outer levels hold."""
        outer = [level for level in levels if self.takes_tenants and level.thread == self.thread]
        inherited = [alias for level in outer for alias in level.blocks]
        levels.append(self)
        for alias in dict.fromkeys([*inherited, *aliases]):
            self.enrol(connections[alias])

    def enrol(self, connection: Any) -> None:
        """Open the block that this level rolls back on a connection, if it has none yet."""
        alias = connection.alias
        if alias in self.blocks:
            return
        block = transaction.atomic(using=alias)
        block._from_testcase = True  # Django's own mark: durable blocks may nest in it
        self.blocks[alias] = block  # first, as entering the block asks for the connection again
        try:
            with place_of(connection):
                block.__enter__()
        except BaseException:  # whatever it was: a block that was not entered must not be rolled back
            del self.blocks[alias]
            raise

    def meet(self, connection: Any) -> None:
        """Enrol a connection that a test was just handed; one out of reach is left for the test to find out."""
        if connection.alias in self.blocks or connection.alias in self.out_of_reach:
            return
        if self.thread != get_ident() or in_event_loop():
            return
        try:
            self.enrol(connection)
        except (DatabaseError, MultiTenantError):
            self.out_of_reach.add(connection.alias)

    def check_constraints(self, wanted: Any) -> None:
        """Check, inside out, the deferred constraints of each connection for which ``wanted`` answers yes."""
        for alias in reversed(self.blocks):
            connection = connections[alias]
            with place_of(connection):
                if wanted(connection):
                    connection.check_constraints()

    def roll_back(self) -> None:
        """Roll all blocks back, the last one first; one that fails does not keep the others open."""
        # This is the innermost level till the end: an outer one must not enrol connections while blocks are open.
        del levels[levels.index(self) + 1 :]
        with ExitStack() as stack:
            stack.callback(levels.remove, self)
            for alias, block in self.blocks.items():
                stack.callback(roll_back, alias, block)


#: The open levels of this process, innermost last: the class's, then the test's, then those of a test that runs tests.
levels: list[Level] = []


def roll_back(alias: str, block: Atomic) -> None:
    """End one block, wherever the code that runs now stands."""
    with place_of(connections[alias]):
        transaction.set_rollback(True, using=alias)
        with suppress(TenantConnectionError):  # the test dropped the database, and there is nothing to roll back
            block.__exit__(None, None, None)


def follows_default(connection: Any) -> bool:
    """Whether a connection is one that ``default`` may stand for: the public one, or a tenant's under its own alias."""
    if isinstance(connection, TenantConnection):
        return bool(connection.alias == connection.record.alias)
    return bool(connection.alias == PUBLIC)


def place_of(connection: Any) -> AbstractContextManager[None]:
    """A context in which a connection may be used, whatever state its tenant is in."""
    if isinstance(connection, TenantConnection):
        record = connection.record
        return fixed_context(Place(record.alias, record.uuid, any_state=True, record=record))
    return fixed_context(PUBLIC_PLACE if connection.alias == PUBLIC else active_place.get())
