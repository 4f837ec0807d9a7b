"""Whether REST framework is about to find out who asks; then tokens leave the look-up of the person to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from multi_tenant.variables import holding

running: ContextVar[bool] = ContextVar("multi_tenant.contrib.rest.authenticating", default=False)


@contextmanager
def authenticating() -> Iterator[None]:
    """Run a block whose answer is checked by whoever runs it."""
    with holding(running, True):
        yield
