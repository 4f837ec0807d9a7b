"""One of the crowd: what it may do next, what it wrote, and what must hold between two visits of its."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from random import Random
from typing import Any

from django.db import connections
from django.db.models import Model

from multi_tenant.conf import conf
from multi_tenant.context import current_alias, tenant_context
from multi_tenant.routing.wrapper import TenantConnection

#: Keys of the rows that each tenant has from the beginning: the same ones in all.
AUTHORS = (1, 2, 3)
TALLY, LOCKED, *TAGS = (1, 2, 3, 4)
COUNTRY = CITY = 1
#: How far the keys of two workers are apart.
SPAN = 1_000_000


class CrossingError(AssertionError):
    """A row, a context or a connection is where it does not belong."""


class Worker:
    """A member of the crowd, in a thread or a task of its own; ``written`` counts rows by alias and table."""

    def __init__(self, number: int, aliases: Sequence[str], seed: str) -> None:
        self.number = number
        self.name = f"worker {number}"
        self.aliases = aliases
        self.rng = Random(f"{seed}:{number}")
        self.written: Counter[tuple[str, str]] = Counter()
        self.tallies: Counter[tuple[str, int]] = Counter()
        self.books: dict[str, list[int]] = {alias: [] for alias in aliases}
        self.labelled: set[tuple[str, int]] = set()
        self.serials: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.visits: Counter[tuple[str, str]] = Counter()
        self.outcomes: Counter[str] = Counter()

    def key(self, alias: str) -> int:
        """The next key for a book of its own: workers' keys differ, tenants' are the same."""
        self.serials[alias] += 1
        return self.number * SPAN + self.serials[alias]

    def author(self) -> int:
        return self.rng.choice(AUTHORS)

    def other(self, alias: str) -> str:
        """Another tenant."""
        return self.rng.choice([other for other in self.aliases if other != alias])

    def made(self, alias: str, *keys: int) -> None:
        """Note books that are committed."""
        self.books[alias].extend(keys)
        self.written[alias, "library.Book"] += len(keys)

    def wrote(self, alias: str, table: str, rows: int) -> None:
        self.written[alias, table] += rows

    def one_of_its(self, alias: str) -> int | None:
        """The key of a book of its own, if it has one here."""
        return self.rng.choice(self.books[alias]) if self.books[alias] else None

    def forget(self, alias: str, key: int, deleted: dict[str, int]) -> None:
        """Note a deletion, as Django counted it."""
        self.books[alias].remove(key)
        self.labelled.discard((alias, key))
        for table, rows in deleted.items():
            self.written[alias, table] -= rows


def expect(condition: object, message: str) -> None:
    """Raise CrossingError unless a condition holds."""
    if not condition:
        raise CrossingError(message)


def expect_of(alias: str, *texts: Any) -> None:
    """Each text that was read bears the name of the tenant that it was read in."""
    for text in texts:
        expect(str(text).startswith(f"{alias}:"), f"{text!r} was read in {alias!r}")


def expect_at(alias: str, *objects: Model) -> None:
    """Each object says that it is from here, by its text and by its state."""
    for one in objects:
        expect_of(alias, one)
        expect(one._state.db == alias, f"{one!r} of {one._state.db!r} was read in {alias!r}")


def expect_outside() -> None:
    """No tenant is left entered."""
    expect(current_alias() is None, f"{current_alias()!r} was left entered")


def expect_at_rest() -> None:
    """No connection of this thread is in a transaction, and no more are open than may be."""
    live = connections.all(initialized_only=True)
    for connection in live:
        open_block = connection.in_atomic_block or connection.run_on_commit
        # A session that the server ended between a block's commit and its end cannot be told that the block is over;
        # there is no transaction in it either, and Django closes it before the next request.
        idle = connection.connection is None or connection.get_autocommit() or not connection.is_usable()
        expect(idle and not open_block, f"{connection.alias!r} was left in a transaction")
    tenants = [connection.alias for connection in live if connection.alias != "public"]
    expect(len(tenants) <= conf.MAX_CONNECTIONS_PER_THREAD, f"{len(tenants)} connections were left open")


def inside(alias: str) -> AbstractContextManager[None]:
    """Another tenant, entered from one."""
    return tenant_context(alias, switch=True)


def close_mine() -> None:
    """Close and forget this thread's connections to tenants, whatever state they are in."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if isinstance(connection, TenantConnection):
            del connections[connection.alias]
