"""One tenant's life goes one step at a time: a lock in the public database's reach, and no transaction around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from multi_tenant.context import public_context
from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.lifecycle.placement import public_engine


@contextmanager
def turn_of(alias: str, *, step: str) -> Iterator[Engine]:
    """Run a block on the public site while no other process or thread works on the tenant.

    Gives the engine of the public server, connected for the block. Raises ProvisioningError inside a transaction.
    """
    refuse_in_transaction(alias, step=step)
    engine = public_engine(alias)
    with public_context(), engine.lock(f"multi_tenant:{alias}"):
        yield engine


def refuse_in_transaction(alias: str, *, step: str) -> None:
    """Databases cannot be made in a transaction, and the registry must remember each step although a later one fails.

    The blocks that a TestCase holds do not count, as it is the test that rolls back.
    """
    for connection in connections.all(initialized_only=True):
        if in_transaction(connection):
            raise ProvisioningError(
                f"The life of tenant {alias!r} cannot change inside a transaction, and one is open on "
                f"{connection.alias!r}. Call this outside atomic(); a view that calls it needs non_atomic_requests.",
                step=step,
            )


def in_transaction(connection: Any) -> bool:
    """Whether the caller has a transaction open."""
    if connection.in_atomic_block:
        return bool(connection.needs_rollback) or not all(block._from_testcase for block in connection.atomic_blocks)
    return connection.connection is not None and not connection.get_autocommit()
