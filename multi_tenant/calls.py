"""Functions, coroutines and generators that run in a fresh context at each call and step; contexts decorate with it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ParamSpec, Protocol, TypeVar

from asgiref.sync import iscoroutinefunction

P = ParamSpec("P")
R = TypeVar("R")


class Context(AbstractContextManager[None], AbstractAsyncContextManager[None], Protocol):
    """What is entered for one call or step."""

    def closing(self) -> Context:
        """The context to close a generator in that ran in this one last."""


def decorated(function: Callable[P, R], context: Callable[[], Context]) -> Callable[P, R]:
    """The function, whatever its kind, running in a fresh context at each call."""
    wrapper: Any
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            return asteps(function(*args, **kwargs), context)

    elif iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):

        @functools.wraps(function)
        async def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            async with context():
                return await function(*args, **kwargs)  # type: ignore[misc]  # it answers a coroutine

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            return steps(function(*args, **kwargs), context)

    else:

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            with context():
                result = function(*args, **kwargs)
            return followed(result, context)

    return wrapper  # type: ignore[no-any-return]  # each branch keeps the function's signature


class SentCall:
    """A plain function in a context, which can be sent to another process: pools pickle their jobs."""

    def __init__(self, function: Callable[P, R], context: Callable[[], Context]) -> None:
        functools.update_wrapper(self, function)
        self._parts = function, context
        self._call = decorated(function, context)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._parts


def sendable(function: Callable[P, R], context: Callable[[], Context]) -> Callable[P, R]:
    """``decorated``, for a function that is not defined by what this answers, so that its name leads to itself."""
    sent: Any = SentCall(function, context)
    return sent._call if iscoroutinefunction(sent._call) else sent  # type: ignore[no-any-return]  # as `decorated`


def followed(result: Any, context: Callable[[], Context]) -> Any:
    """What a plain function answers; a coroutine or a generator, which has not run yet, is to run in the context too.

    Decorators that know nothing of them, and objects that are called, answer such.
    """
    if inspect.iscoroutine(result):
        return awaited(result, context)
    if inspect.isgenerator(result):
        return steps(result, context)
    return asteps(result, context) if inspect.isasyncgen(result) else result


async def awaited(coroutine: Coroutine[Any, Any, R], context: Callable[[], Context]) -> R:
    """Run a coroutine in the context."""
    async with context():
        return await coroutine


def steps(iterator: Any, context: Callable[[], Context]) -> Generator[Any, Any, Any]:
    """Iterate with the context entered for each step, and for closing, alone; a generator gets what is sent to it."""
    resume = functools.partial(next, iterator)
    last = context()
    try:
        while True:
            step = context()
            with step:
                last = step
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as exc:  # whatever is thrown in is the iterator's to catch
                if not hasattr(iterator, "throw"):
                    raise
                resume = functools.partial(iterator.throw, exc)
            else:
                resume = functools.partial(next, iterator) if sent is None else functools.partial(iterator.send, sent)
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            with last.closing():
                close()


async def asteps(iterator: Any, context: Callable[[], Context]) -> AsyncGenerator[Any, Any]:
    """``steps`` for async iterators."""
    resume = functools.partial(anext, iterator)
    last = context()
    try:
        while True:
            step = context()
            async with step:
                last = step
                try:
                    item = await resume()
                except StopAsyncIteration:
                    return
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as exc:  # whatever is thrown in is the iterator's to catch
                if not hasattr(iterator, "athrow"):
                    raise
                resume = functools.partial(iterator.athrow, exc)
            else:
                resume = functools.partial(anext, iterator) if sent is None else functools.partial(iterator.asend, sent)
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            async with last.closing():
                await close()
