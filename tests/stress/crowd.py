"""Workers at once, in threads or in tasks of an event loop, over the same tenants; the first error stops all."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections, connections

from multi_tenant.context import tenant_context
from tests.stress.async_operations import asynchronous
from tests.stress.operations import OPERATIONS, Operation
from tests.stress.watch import StalledError, Watch
from tests.stress.worker import Worker, close_mine, expect_at_rest, expect_outside

WORKERS = 8
#: Operations of one visit to a tenant, at most; as many queries as a request may have.
LONGEST_VISIT = 24
#: One visit in so many ends as a request does, with its thread's connections closed.
REQUESTS = 8
#: Seconds for each thread to end once somebody is stuck.
PARTING = 1
#: Workers' numbers, and so their keys, are never used twice in a process.
numbers = count(1)


class Crowd:
    """So many operations in all, by ``workers`` at once, each drawn by the seed."""

    def __init__(
        self,
        aliases: Sequence[str],
        total: int,
        *,
        workers: int = WORKERS,
        seed: str | None = None,
        operations: Mapping[Operation, int] = OPERATIONS,
    ) -> None:
        self.seed = seed or f"{Random().getrandbits(32):x}"
        self.aliases = aliases
        self.share = total // workers
        self.workers = [Worker(next(numbers), aliases, self.seed) for _ in range(workers)]
        self.operations, self.weights = list(operations), list(operations.values())
        self.failed = threading.Event()
        self.failures: list[BaseException] = []
        self.watch = Watch(total)
        self.threads: list[threading.Thread] = []
        self.leave = threading.Event()

    def work(self, mode: str, at_rest: Callable[[], None] = lambda: None) -> None:
        """All work, each in a thread (``sync``) or a task (``async``), and come to an end.

        ``at_rest`` looks at what is open when all have done their work and nothing is closed yet.
        """
        (self._work_in_threads if mode == "sync" else self._work_in_tasks)(at_rest)

    @property
    def is_over(self) -> bool:
        """Whether there is nobody left to work."""
        return all(self._is_done(worker) for worker in self.workers)

    @property
    def written(self) -> Counter[tuple[str, str]]:
        """The rows that all workers wrote, less those that they deleted."""
        return total(worker.written for worker in self.workers)

    @property
    def outcomes(self) -> Counter[str]:
        """How the visits to newcomers went."""
        return total(worker.outcomes for worker in self.workers)

    def wait(self, condition: Callable[[], bool], steps: Callable[[], Mapping[str, int]] | None = None) -> None:
        """Wait while the members, or who else has ``steps``, get on; who is stuck stops all."""
        try:
            self.watch.wait(condition, steps or self._steps)
        except StalledError as stalled:
            self.failed.set()
            self.leave.set()
            self.part()
            raise stalled from next(iter(self.failures), None)

    def begin(self, name: str, call: Callable[..., None], *arguments: Any) -> threading.Thread:
        """A thread that began; nobody waits for it at the interpreter's end, as it may be stuck."""
        thread = threading.Thread(target=self.watched, args=(call, *arguments), name=name, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def part(self) -> None:
        """Let those come home who can."""
        for thread in self.threads:
            thread.join(PARTING)

    def watched(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call it; keep what it raises for the thread that waits, and stop the others."""
        try:
            call(*arguments)
        except BaseException as exc:  # noqa: BLE001  # raised again by `raise_failures`
            self._fail(exc)

    def raise_failures(self) -> None:
        """Raise what went wrong first, with the seed that makes it happen again, or something like it."""
        if self.failures:
            first = self.failures[0]
            message = f"{len(self.failures)} of {len(self.workers)} workers failed, seed {self.seed!r}: {first!r}"
            raise AssertionError(message) from first

    def _work_in_threads(self, at_rest: Callable[[], None]) -> None:
        arrived: list[Worker] = []
        threads = [self.begin(worker.name, self._thread, worker, arrived) for worker in self.workers]
        self.wait(lambda: len(arrived) == len(threads))
        self.watched(at_rest)
        self.leave.set()
        self.wait(lambda: not any(thread.is_alive() for thread in threads))

    def _work_in_tasks(self, at_rest: Callable[[], None]) -> None:
        # The loop has a thread of its own: a server has no sync code around it.
        thread = self.begin("loop", lambda: asyncio.run(self._tasks(at_rest)))
        self.wait(lambda: not thread.is_alive())

    def _thread(self, worker: Worker, arrived: list[Worker]) -> None:
        try:
            self.watched(self._work, worker)
            arrived.append(worker)
            self.leave.wait()
        finally:
            connections.close_all()

    def _work(self, worker: Worker) -> None:
        while not self._is_done(worker):
            self._visit(worker)
            expect_outside()
            if worker.rng.randrange(REQUESTS) == 0:
                expect_at_rest()
                close_old_connections()
        expect_at_rest()

    def _visit(self, worker: Worker) -> None:
        alias = worker.rng.choice(worker.aliases)
        with tenant_context(alias):
            for operation in self._plan(worker):
                operation(worker, alias)
                worker.done[operation.__name__] += 1

    async def _tasks(self, at_rest: Callable[[], None]) -> None:
        # Half of them are served as ASGI serves requests, each in a thread of its own; the others, as consumers of
        # sockets do, share one thread and its connections.
        calls = [self._as_request if worker.number % 2 else self._visit_async for worker in self.workers]
        self.watch.loop = asyncio.get_running_loop()
        work = [
            asyncio.create_task(self._work_async(worker, call), name=worker.name)
            for worker, call in zip(self.workers, calls, strict=True)
        ]
        errors = await asyncio.gather(*work, return_exceptions=True)
        self._fail(*(error for error in errors if error is not None))
        try:
            await sync_to_async(expect_at_rest)()
            await sync_to_async(at_rest)()
        finally:
            await sync_to_async(close_mine)()  # asgiref's thread lives on

    async def _work_async(self, worker: Worker, visit: Callable[[Worker], Any]) -> None:
        while not self._is_done(worker):
            try:
                await visit(worker)
                expect_outside()
            except BaseException:
                self.failed.set()
                raise

    async def _as_request(self, worker: Worker) -> None:
        async with ThreadSensitiveContext():
            try:
                await self._visit_async(worker)
                await sync_to_async(expect_at_rest)()
            finally:
                await sync_to_async(connections.close_all)()

    async def _visit_async(self, worker: Worker) -> None:
        alias = worker.rng.choice(worker.aliases)
        async with tenant_context(alias):
            for operation in self._plan(worker):
                await asynchronous(operation)(worker, alias)
                worker.done[operation.__name__] += 1

    def _plan(self, worker: Worker) -> list[Operation]:
        """The operations of one visit."""
        left = self.share - worker.done.total()
        length = min(worker.rng.randint(1, LONGEST_VISIT), left)
        return worker.rng.choices(self.operations, self.weights, k=length)

    def _steps(self) -> Mapping[str, int]:
        """What those have done who have something left to do; in the end, all together have to come home."""
        return {one.name: one.done.total() for one in self.workers if not self._is_done(one)} or {"the end of it": 0}

    def _is_done(self, worker: Worker) -> bool:
        return self.failed.is_set() or worker.done.total() >= self.share

    def _fail(self, *failures: BaseException) -> None:
        self.failures += failures
        if failures:
            self.failed.set()


def total(counts: Iterable[Counter[Any]]) -> Counter[Any]:
    """The sum of counters; unlike ``+`` it keeps what is negative."""
    added: Counter[Any] = Counter()
    for one in counts:
        added.update(one)
    return added
