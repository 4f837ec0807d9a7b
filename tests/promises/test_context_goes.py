"""P3: where the tenant goes, and where it does not: threads, pools, tasks, hops, generators, requests, templates.

What is proved elsewhere: blocks and generators in `test_p3_context_closes`, streamed bodies in `tests/middleware`,
callbacks of commits in `tests/routing`, processes and greenlets in `test_other_processes`. Python 3.14 can have threads
inherit the context; it is not among those tested.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.functional import SimpleLazyObject

from multi_tenant import calls, context
from multi_tenant.context import (
    UNDECIDED_PLACE,
    active_place,
    current_alias,
    place_context,
    tenant_bound,
    tenant_context,
)
from multi_tenant.exceptions import NoTenantError, WrongTenantError
from multi_tenant.middleware import TenantMiddleware
from multi_tenant.models import Domain, Tenant
from tests.middleware.drivers import asgi, wsgi
from tests.promises.control import Without, all_of, guard_off, guarded_by, refused
from tests.promises.places import in_child, in_thread, undecided
from tests.promises.test_p1_fail_closed import answers_anyway
from tests.shared_place import one_place_for_all
from tests.testapp.library.models import Author

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cached")]
never_left = Without(place_context, "__exit__")


def in_plain_thread(call: Callable[[], Any]) -> Any:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    thread.join()
    return answers[0]


def in_executor(call: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(call).result()


def in_executor_of_loop(call: Callable[[], Any]) -> Any:
    async def ask() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, call)

    return asyncio.run(ask())


THREADS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "Thread": in_plain_thread,
    "ThreadPoolExecutor": in_executor,
    "run_in_executor": in_executor_of_loop,
}


@guarded_by(one_place_for_all)
@pytest.mark.parametrize("start", THREADS)
def test_a_thread_begins_without_a_tenant(start: str) -> None:
    with tenant_context("acme"):
        assert THREADS[start](current_alias) is None


@guarded_by(Without(calls, "decorated", lambda function, context: function))
@pytest.mark.parametrize("start", THREADS)
def test_a_bound_function_takes_its_tenant_into_a_thread(start: str) -> None:
    with tenant_context("acme"):
        bound = tenant_bound(current_alias)
    with tenant_context("bolt"):
        assert THREADS[start](bound) == "acme"


@guarded_by(one_place_for_all)
def test_a_thread_changes_nothing_where_it_was_started() -> None:
    entered = tenant_context("bolt", switch=True)
    with tenant_context("acme"):
        in_plain_thread(entered.__enter__)
        assert current_alias() == "acme"


@guarded_by(Without(context, "UNDECIDED_PLACE", context.Place("acme")))
def test_a_child_that_a_thread_forks_begins_without_a_tenant() -> None:
    def fork() -> str:
        with tenant_context("acme"):
            return in_child(lambda: str(current_alias()))

    assert in_plain_thread(fork) == "None"


def by_create_task(step: Callable[[], Any]) -> Any:
    async def run() -> Any:
        return step()

    return asyncio.create_task(run())


def by_gather(step: Callable[[], Any]) -> Any:
    async def run() -> Any:
        return step()

    return asyncio.gather(run())


def by_to_thread(step: Callable[[], Any]) -> Any:
    return asyncio.create_task(asyncio.to_thread(step))


def by_call_soon(step: Callable[[], Any]) -> Any:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(lambda: done.set_result(step()))
    return done


TASKS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "create_task": by_create_task,
    "gather": by_gather,
    "to_thread": by_to_thread,
    "call_soon": by_call_soon,
}


@guarded_by(one_place_for_all)
@pytest.mark.parametrize("start", TASKS)
def test_a_task_keeps_the_place_where_it_was_made(start: str) -> None:
    async def main() -> list[str | None]:
        async with tenant_context("acme"):
            task = TASKS[start](current_alias)
        async with tenant_context("bolt"):
            await asyncio.wait([task])
        return [task.result() if start != "gather" else task.result()[0], current_alias()]

    assert asyncio.run(main()) == ["acme", "public"]


@guarded_by(one_place_for_all)
@pytest.mark.parametrize("start", TASKS)
def test_what_a_task_enters_stays_in_it(start: str) -> None:
    entered = tenant_context("bolt", switch=True)

    async def main() -> str | None:
        async with tenant_context("acme"):
            await TASKS[start](entered.__enter__)
            return current_alias()

    assert asyncio.run(main()) == "acme"


@guarded_by(never_left)
def test_an_awaited_coroutine_gives_back_the_place() -> None:
    async def work() -> str | None:
        async with tenant_context("bolt", switch=True):
            await asyncio.sleep(0)
            return current_alias()

    async def main() -> list[str | None]:
        async with tenant_context("acme"):
            return [await work(), current_alias()]

    assert asyncio.run(main()) == ["bolt", "acme"]


@guarded_by(never_left)
@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_a_hop_into_a_thread_gives_back_the_place(thread_sensitive: bool) -> None:
    def work() -> str | None:
        with tenant_context("bolt", switch=True):
            return current_alias()

    async def main() -> list[str | None]:
        async with tenant_context("acme"):
            return [await sync_to_async(work, thread_sensitive=thread_sensitive)(), current_alias()]

    assert async_to_sync(main)() == ["bolt", "acme"]


def leave_unset(self: place_context, *exc: Any) -> None:
    """As if a place that nobody decided were no value: what is not there is not brought back from a hop."""
    previous, self._previous = self._previous, None
    if previous is not None and previous.alias is not None:
        active_place.set(previous)


@guarded_by(Without(place_context, "__exit__", leave_unset))
def test_to_be_undecided_is_a_value_that_comes_back() -> None:
    entered = tenant_context("acme")

    async def main() -> list[str | None]:
        await sync_to_async(entered.__enter__)()
        inside = current_alias()
        await sync_to_async(lambda: entered.__exit__(None, None, None))()
        return [inside, current_alias()]

    with undecided():
        assert async_to_sync(main)() == ["acme", None]
        active_place.set(UNDECIDED_PLACE)


class ByToken(place_context):
    """Contexts that are left as the documentation of ContextVar has it."""

    def _enter(self, place: Any) -> None:
        self.token = active_place.set(place)

    def __exit__(self, *exc: Any) -> None:
        active_place.reset(self.token)


def is_left(leave: Callable[[], Any]) -> bool:
    """Whether leaving works where the context was not entered."""
    try:
        leave()
    except ValueError:  # a token of another Context
        return False
    return True


def with_tokens() -> Any:
    entering = Without(place_context, "_enter", ByToken._enter)
    return all_of(entering, Without(place_context, "__exit__", ByToken.__exit__))


@guarded_by(with_tokens)
def test_a_context_is_left_in_another_hop_than_it_was_entered_in() -> None:
    entered = tenant_context("acme")

    async def main() -> list[str | None]:
        await sync_to_async(entered.__enter__)()
        inside = current_alias()
        assert await sync_to_async(lambda: is_left(lambda: entered.__exit__(None, None, None)))()
        return [inside, current_alias()]

    assert async_to_sync(main)() == ["acme", "public"]


@guarded_by(with_tokens)
def test_a_context_is_left_in_another_copy_of_the_variables() -> None:
    entered = tenant_context("acme")
    contextvars.copy_context().run(entered.__enter__)
    elsewhere = contextvars.copy_context()
    assert elsewhere.run(is_left, lambda: entered.__exit__(None, None, None))
    assert elsewhere.run(current_alias) == "public"


async def entered_for_good(iterator: Any, entered: Callable[[], place_context]) -> AsyncIterator[Any]:
    """What a plain ``async with`` in a generator does."""
    async with entered():
        async for item in iterator:
            yield item


@guarded_by(Without(calls, "asteps", entered_for_good))
def test_an_async_generators_consumer_stays_where_it_is() -> None:
    @tenant_context("acme")
    async def words() -> AsyncIterator[str | None]:
        yield current_alias()
        yield current_alias()

    async def main() -> list[Any]:
        return [(word, current_alias()) async for word in words()]

    assert asyncio.run(main()) == [("acme", "public"), ("acme", "public")]


@guarded_by(Without(calls, "asteps", lambda iterator, entered: iterator))
def test_an_async_generator_is_closed_in_its_tenant_by_another_task() -> None:
    closed_in: list[str | None] = []

    @tenant_context("acme")
    async def words() -> AsyncIterator[str | None]:
        try:
            yield current_alias()
        finally:
            closed_in.append(current_alias())

    async def main() -> str | None:
        half: Any = words()
        await anext(half)
        async with tenant_context("bolt"):
            await asyncio.create_task(half.aclose())
            return current_alias()

    assert asyncio.run(main()) == "bolt"
    assert closed_in == ["acme"]


@guarded_by(Without(calls, "steps", lambda iterator, entered: iterator))
def test_a_generator_is_closed_in_its_tenant_by_another_thread() -> None:
    closed_in: list[str | None] = []

    @tenant_context("acme")
    def words() -> Iterator[str | None]:
        try:
            yield current_alias()
        finally:
            closed_in.append(current_alias())

    half: Any = words()
    next(half)
    in_thread(half.close)
    assert closed_in == ["acme"]


def test_a_context_manager_of_an_async_generator_leaves_its_block_where_it_is() -> None:
    @asynccontextmanager
    @tenant_context("acme")
    async def inside() -> AsyncIterator[str | None]:
        yield current_alias()

    async def main() -> tuple[str | None, str | None]:
        async with inside() as alias:
            return alias, current_alias()

    assert asyncio.run(main()) == ("acme", "public")


@pytest.fixture
def served(acme: Tenant, settings: Any) -> Tenant:
    """Tenant acme behind a host of its own."""
    settings.ROOT_URLCONF = "tests.middleware.urls"
    Domain.objects.create(tenant=acme, host="acme.example.com")
    return acme


@guarded_by(never_left)
def test_the_next_request_of_a_thread_begins_where_the_thread_did(served: Tenant) -> None:
    with undecided():
        assert wsgi("acme.example.com", "/")[0] == 200
        assert current_alias() is None


@guarded_by(never_left)
def test_the_next_request_of_a_task_begins_where_the_task_did(served: Tenant) -> None:
    """Django 5.2 has a task for each request; from 6.1 on requests may share the server's."""

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(current_alias())

    async def main() -> list[str | None]:
        request = AsyncRequestFactory().get("/", headers={"host": "acme.example.com"})
        request.META["HTTP_HOST"] = "acme.example.com"
        response: Any = await TenantMiddleware(view)(request)
        return [response.text, current_alias()]

    with undecided():
        assert async_to_sync(main)() == ["acme", None]


@pytest.fixture
def finished_in() -> Iterator[list[str | None]]:
    """Where the signal request_finished was sent."""
    places: list[str | None] = []

    def note(**kwargs: Any) -> None:
        places.append(current_alias())

    request_finished.connect(note)
    yield places
    request_finished.disconnect(note)


@guarded_by(never_left)
def test_a_request_is_finished_without_a_tenant(served: Tenant, finished_in: list[str | None]) -> None:
    with undecided():
        wsgi("acme.example.com", "/authors/")
    assert finished_in == [None]


def test_a_request_is_finished_without_a_tenant_under_asgi(served: Tenant, finished_in: list[str | None]) -> None:
    with undecided():
        asgi("acme.example.com", "/aauthors/")
    assert finished_in == [None]


def nobody_looks() -> Any:
    """Neither the router nor the guard."""
    return all_of(answers_anyway, guard_off)


def shown(authors: Any) -> str:
    """What a template makes of authors."""
    template = engines["django"].from_string("{% for author in authors %}{{ author }} {% endfor %}")
    return template.render({"authors": authors}, RequestFactory().get("/"))


@guarded_by(guard_off)
def test_a_lazy_queryset_is_not_shown_in_another_tenant() -> None:
    with tenant_context("acme"):
        authors = Author.objects.all()
    with tenant_context("bolt"):
        Author.objects.create(name="Bolt's")
        assert refused(WrongTenantError, lambda: shown(authors))


@guarded_by(nobody_looks)
def test_a_lazy_queryset_is_not_shown_without_a_tenant() -> None:
    with tenant_context("acme"):
        authors = Author.objects.all()
    with undecided():
        assert refused(NoTenantError, lambda: shown(authors))


@guarded_by(guard_off)
def test_a_lazy_object_asks_where_it_is_used_for_what_it_was_given() -> None:
    with tenant_context("acme"):
        Author.objects.create(pk=1, name="Acme's")
        authors = Author.objects.filter(pk=1)
        lazy: Any = SimpleLazyObject(authors.get)
        assert shown([lazy]) == "Acme&#x27;s "
        again: Any = SimpleLazyObject(authors.get)
    with tenant_context("bolt"):
        Author.objects.create(pk=1, name="Bolt's")
        assert refused(WrongTenantError, lambda: shown([again]))
