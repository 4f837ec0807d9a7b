"""Context variables that hold a value for a block; entered by what says something of the code that runs inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def holding(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Run a block in which a variable has a value."""
    before = variable.get()
    variable.set(value)
    try:
        yield
    finally:
        # By value: a token cannot be reset in another context, as happens across `sync_to_async`.
        variable.set(before)
