"""Work on the public database from within a tenant, and what its outage is called; backends and members go by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections

from multi_tenant.context import public_context
from multi_tenant.exceptions import RegistryUnavailableError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.loss import is_lost

R = TypeVar("R")
#: What drivers raise for a server that is away; of a single statement they may raise it too.
FAILURES = (OperationalError, InterfaceError)


@contextmanager
def at_public() -> Iterator[None]:
    """Run a block in public. Raises RegistryUnavailableError when the public database is away."""
    with public_context():
        try:
            yield
        except FAILURES:
            if not is_away():
                raise
            # The driver's error has the login of the public database in its frames.
            raise RegistryUnavailableError from None


def read_public(read: Callable[[], R]) -> R:
    """What ``read`` answers in public; once more if the connection was kept and has died since. Raises as above."""
    with public_context():
        connection = connections[PUBLIC]
        kept = connection.connection is not None and not connection.in_atomic_block
        try:
            return read()
        except FAILURES:
            if not is_away():
                raise
    if kept:
        connection.close()
        with at_public():
            return read()
    raise RegistryUnavailableError


def is_away() -> bool:
    """Whether this thread's connection to the public database is gone, or could not be made."""
    connection = connections[PUBLIC]
    return connection.connection is None or is_lost(connection)
