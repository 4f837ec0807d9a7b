"""A response's body, which is sent after the middleware has left; each step of it goes back to the request's place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from multi_tenant.context import asteps
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
        # A client that goes away leaves the iterator to the garbage collector; a generator is closed by its loop.
        response._iterator = asteps(response._iterator, visit.again)
        return
    response._iterator = SyncBody(response._iterator, visit)
    if not has_descriptor(getattr(response, "file_to_stream", None)):
        # `wsgi.file_wrapper` would read it past the iterator; only a true file needs no tenant for that.
        response.file_to_stream = None


def has_descriptor(file: Any) -> bool:
    """Whether the operating system knows the file."""
    try:
        return file.fileno() is not None
    except (AttributeError, OSError, ValueError):
        return False
