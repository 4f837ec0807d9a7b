"""A response's body, which is sent after the middleware has left; each step of it goes back to the request's place."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync

from multi_tenant.calls import asteps
from multi_tenant.middleware.visit import visit_context


class SyncBody:
    """Iterates with the visit entered for each step; Django's response closes what it was made from."""

    def __init__(self, iterator: Iterator[Any], visit: visit_context) -> None:
        self.iterator = iterator
        self.visit = visit

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self.visit.again():
            return next(self.iterator)


def keep_in_place(response: Any, visit: visit_context) -> None:
    """Have the body of a response produced, and what it holds closed, where the request was.

    Django has no public way to wrap the closers, and the public one to wrap a body would drop a file's own handling.
    """
    response._resource_closers[:] = [visit(closer) for closer in response._resource_closers]
    if not response.streaming:
        return
    if response.is_async:
        steps = asteps(response._iterator, visit.again)
        response._iterator = steps
        response._resource_closers.append(partial(close_steps, steps))
        return
    response._iterator = SyncBody(response._iterator, visit)
    if not has_descriptor(getattr(response, "file_to_stream", None)):
        # `wsgi.file_wrapper` would read it past the iterator; only a true file needs no tenant for that.
        response.file_to_stream = None


def close_steps(steps: Any) -> None:
    """Close an async body that was not read to its end; Django leaves it to the garbage collector.

    Runs where Django closes responses: in a thread of its own under ASGI, whose loop is the one to close it in.
    """
    if steps.ag_frame is not None:
        async_to_sync(aclose)(steps)


async def aclose(steps: AsyncGenerator[Any, None]) -> None:
    """Close a generator in the loop that runs this."""
    await steps.aclose()


def has_descriptor(file: Any) -> bool:
    """Whether the operating system knows the file."""
    try:
        return file.fileno() is not None
    except (AttributeError, OSError, ValueError):
        return False
