"""P3: whatever happens, the context is left as it was found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from multi_tenant import calls, context
from multi_tenant.context import (
    Place,
    current_alias,
    current_tenant,
    fixed_context,
    place_context,
    public_context,
    tenant_bound,
    tenant_context,
)
from multi_tenant.exceptions import TenantSwitchError
from multi_tenant.models import Tenant
from tests.promises.control import Without, guarded_by
from tests.promises.places import in_child, undecided

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cached")]
never_left = Without(place_context, "__exit__")


@guarded_by(never_left)
def test_a_block_ends_where_it_began() -> None:
    with tenant_context("acme"):
        assert current_alias() == "acme"
    assert current_alias() == "public"


@guarded_by(never_left)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit, SystemExit])
def test_a_block_that_fails_ends_where_it_began(error: type[BaseException]) -> None:
    with pytest.raises(error), tenant_context("acme"):
        raise error
    assert current_alias() == "public"


@guarded_by(never_left)
def test_a_decorated_function_ends_where_it_began() -> None:
    assert tenant_context("acme")(current_alias)() == "acme"
    assert current_alias() == "public"


def test_a_decorated_function_can_be_called_again_and_within_itself() -> None:
    @tenant_context("acme")
    def deep(levels: int) -> list[str | None]:
        return [current_alias(), *(deep(levels - 1) if levels else [])]

    assert deep(2) == deep(2) == ["acme"] * 3


def entered_for_good(iterator: Any, entered: Callable[[], place_context]) -> Iterator[Any]:
    """What a plain ``with`` in a generator does: its consumer is in the tenant between the steps."""
    with entered():
        yield from iterator


@guarded_by(Without(calls, "steps", entered_for_good))
def test_a_generators_consumer_stays_where_it_is() -> None:
    @tenant_context("acme")
    def words() -> Iterator[str | None]:
        yield current_alias()
        yield current_alias()

    places = []
    for word in words():
        assert word == "acme"
        places.append(current_alias())
    assert places == ["public", "public"]


@guarded_by(Without(calls, "steps", lambda iterator, entered: iterator))
def test_a_generator_that_is_given_up_is_closed_in_its_tenant() -> None:
    closed_in: list[str | None] = []

    @tenant_context("acme")
    def words() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed_in.append(current_alias())

    generator: Any = words()
    next(generator)
    generator.close()
    assert closed_in == ["acme"]
    assert current_alias() == "public"


def test_a_generator_gets_what_is_sent_thrown_and_returns() -> None:
    @tenant_context("acme")
    def talks() -> Any:
        heard = [(yield "begin")]
        try:
            yield "middle"
        except KeyError as exc:
            heard.append(str(exc))
        return heard

    talk = talks()
    assert [next(talk), talk.send("hello")] == ["begin", "middle"]
    with pytest.raises(StopIteration) as caught:
        talk.throw(KeyError("thrown"))
    assert caught.value.value == ["hello", "'thrown'"]


def test_a_context_manager_of_a_decorated_generator_sees_the_error() -> None:
    @contextlib.contextmanager
    @tenant_context("acme")
    def swallows() -> Iterator[str | None]:
        with contextlib.suppress(ValueError):
            yield current_alias()

    with swallows() as inside:
        assert (inside, current_alias()) == ("acme", "public")
        raise ValueError


@guarded_by(never_left)
def test_a_coroutine_ends_where_it_began() -> None:
    @tenant_context("acme")
    async def ask() -> str | None:
        await asyncio.sleep(0)
        return current_alias()

    async def main() -> tuple[str | None, str | None]:
        return await ask(), current_alias()

    assert asyncio.run(main()) == ("acme", "public")


@guarded_by(never_left)
def test_tasks_that_take_turns_keep_their_tenants() -> None:
    seen: list[tuple[str, str | None]] = []

    async def work(alias: str, mine: asyncio.Event, next_one: asyncio.Event) -> str | None:
        for _ in range(3):
            await mine.wait()
            mine.clear()
            async with tenant_context(alias):
                next_one.set()
                await asyncio.sleep(0)
                seen.append((alias, current_alias()))
        return current_alias()

    async def main() -> list[str | None]:
        one, two = asyncio.Event(), asyncio.Event()
        one.set()
        return list(await asyncio.gather(work("acme", one, two), work("bolt", two, one)))

    assert asyncio.run(main()) == ["public", "public"]
    assert len(seen) == 6
    assert all(wanted == found for wanted, found in seen)


@pytest.mark.django_db(transaction=True)
@guarded_by(never_left)
def test_a_job_leaves_its_thread_as_it_found_it() -> None:
    def work() -> str | None:
        with tenant_context("acme"):
            return current_alias()

    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(work).result() == "acme"
        left = executor.submit(current_alias).result()
        executor.submit(connections.close_all).result()
    assert left is None


def leave_for_public(self: place_context, *exc: Any) -> None:
    """As if there were no place to go back to but the public one."""
    context.active_place.set(context.PUBLIC_PLACE)


@guarded_by(Without(place_context, "__exit__", leave_for_public))
def test_contexts_nest() -> None:
    seen = []
    with tenant_context("acme"):
        with public_context():
            with tenant_context("bolt"):
                seen.append(current_alias())
            seen.append(current_alias())
        with tenant_context("acme"):
            seen.append(current_alias())
        with tenant_context("bolt", switch=True):
            seen.append(current_alias())
        seen.append(current_alias())
    assert seen == ["bolt", "public", "acme", "bolt", "acme"]


def enter_straight(self: tenant_context) -> None:
    """As if no tenant were active."""


@guarded_by(Without(tenant_context, "_already_there", enter_straight))
def test_one_tenant_is_not_entered_straight_from_another() -> None:
    with tenant_context("acme"), pytest.raises(TenantSwitchError, match="switch=True") as caught:
        tenant_context("bolt").__enter__()
    assert (caught.value.active, caught.value.wanted) == ("acme", "bolt")


@guarded_by(Without(tenant_context, "_already_there", enter_straight))
def test_a_refused_switch_leaves_the_place_alone() -> None:
    async def main() -> str | None:
        async with tenant_context("acme"):
            with pytest.raises(TenantSwitchError):
                await tenant_context("bolt").__aenter__()
            return current_alias()

    assert asyncio.run(main()) == "acme"


def test_a_context_object_serves_one_block_at_a_time() -> None:
    entered = tenant_context("acme")
    with entered:
        with pytest.raises(RuntimeError, match="entered already"):
            entered.__enter__()
        assert current_alias() == "acme"
    with entered:
        assert current_alias() == "acme"
    assert current_alias() == "public"


def test_a_forked_child_is_undecided_and_the_parent_is_not() -> None:
    with tenant_context("acme"):
        assert in_child(lambda: str(current_alias())) == "None"
        assert current_alias() == "acme"


def test_a_bound_callback_leaves_its_caller_where_it_is(acme: Tenant) -> None:
    with tenant_context("acme"):
        bound = tenant_bound(current_alias)
    with tenant_context("bolt"):
        assert bound() == "acme"
        assert current_alias() == "bolt"


def test_current_tenant_is_the_record_of_the_place(acme: Tenant) -> None:
    assert current_tenant() is None
    with tenant_context(acme):
        record = current_tenant()
        assert record is not None
        assert (record.alias, record.uuid) == ("acme", acme.uuid)
    with undecided():
        assert current_tenant() is None
    with fixed_context(Place("template")):
        assert current_tenant() is None
