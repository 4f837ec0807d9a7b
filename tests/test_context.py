"""A place is left as it was found, and what runs later runs where it belongs."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async

from multi_tenant import context
from multi_tenant.context import Place, current_alias, fixed_context, public_context, tenant_bound, tenant_context
from multi_tenant.exceptions import TenantSwitchError
from tests.promises.control import Without, WithoutPatch, guarded_by

ELSEWHERE = Place("elsewhere")


class AsyncCallable:
    async def __call__(self) -> str | None:
        return current_alias()


def plain(function: Any) -> Any:
    """What a decorator makes of a function when it knows of plain ones alone."""

    def call() -> Any:
        return function()

    return call


@guarded_by(WithoutPatch(SyncToAsync, "__call__"))
def test_a_cancelled_thread_does_not_bring_its_place_home() -> None:
    inside, finish = threading.Event(), threading.Event()

    def work() -> None:
        with fixed_context(ELSEWHERE):
            inside.set()
            finish.wait(10)

    async def caller() -> str | None:
        task = asyncio.ensure_future(asyncio.to_thread(inside.wait, 10))
        task.add_done_callback(lambda _: current.cancel())
        current: Any = asyncio.current_task()
        try:
            await sync_to_async(work, thread_sensitive=False)()
        except asyncio.CancelledError:
            return current_alias()
        finally:
            finish.set()
        return None

    with public_context():
        assert async_to_sync(caller)() == "public"


@pytest.mark.parametrize(
    "function",
    [AsyncCallable(), plain(AsyncCallable()), sync_to_async(current_alias)],
    ids=["object", "plain", "thread"],
)
async def test_what_answers_a_coroutine_is_bound_until_that_ends(function: Any) -> None:
    with public_context():
        bound = tenant_bound(function)
    with fixed_context(ELSEWHERE):
        assert await bound() == "public"


@guarded_by(Without(context, "followed", lambda result, context: result))
def test_a_function_that_answers_a_coroutine_is_bound() -> None:
    with public_context():
        bound = tenant_bound(plain(AsyncCallable()))
    with fixed_context(ELSEWHERE):
        assert asyncio.run(bound()) == "public"


async def test_what_answers_a_generator_is_bound() -> None:
    def places() -> Any:
        yield current_alias()

    async def async_places() -> Any:
        yield current_alias()

    with public_context():
        bound, abound = tenant_bound(plain(places)), tenant_bound(plain(async_places))
    with fixed_context(ELSEWHERE):
        assert list(bound()) == ["public"]
        assert [place async for place in abound()] == ["public"]


@guarded_by(Without(context, "last_context", lambda context, place: context()))
def test_a_generator_that_is_stepped_in_another_tenant_ends_at_home(acme: Any, bolt: Any) -> None:
    ends = []

    @tenant_context(acme)
    def generator() -> Any:
        try:
            yield
        finally:
            ends.append(current_alias())

    steps = generator()
    next(steps)
    with tenant_context(bolt), pytest.raises(TenantSwitchError):
        next(steps)
    assert ends == ["acme"]


async def test_an_async_generator_that_is_closed_in_another_tenant_ends_at_home() -> None:
    ends = []

    async def generator() -> Any:
        try:
            yield
        finally:
            ends.append(current_alias())

    with public_context():
        steps = tenant_bound(generator)()
    await anext(steps)
    with fixed_context(ELSEWHERE):
        await steps.aclose()
    assert ends == ["public"]
