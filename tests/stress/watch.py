"""The watch over a crowd: where somebody does not get on, it says where each thread and each task stands."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from time import monotonic, sleep
from types import FrameType
from typing import Any

#: Seconds in which a member does nothing at all and is given up: longer than any wait for a lock that ends by itself.
STILL = 180
#: Seconds that an operation may take on average, many times what it takes on a slow machine.
SLOWEST = 0.1
PAUSE = 0.02


class StalledError(AssertionError):
    """A crowd does not come to its end."""


class Watch:
    """Waits for a crowd, which may take so long for so many operations."""

    def __init__(self, operations: int) -> None:
        self.deadline = monotonic() + STILL + operations * SLOWEST
        #: How many things each member has done, and since when no more.
        self.seen: dict[str, tuple[int, float]] = {}
        #: Where the crowd's tasks are, if it has any.
        self.loop: asyncio.AbstractEventLoop | None = None

    def wait(self, condition: Callable[[], bool], steps: Callable[[], Mapping[str, int]]) -> None:
        """Return as soon as it holds; raise StalledError with all stacks when one of those that have steps is stuck."""
        while not condition():
            if complaint := self.complaint(steps()):
                raise StalledError(f"{complaint}\n\n{stacks(self.loop)}")
            sleep(PAUSE)

    def complaint(self, steps: Mapping[str, int]) -> str:
        """What is wrong, if anything is."""
        now, seen = monotonic(), self.seen
        self.seen = {
            name: seen[name] if seen.get(name, (None,))[0] == done else (done, now) for name, done in steps.items()
        }
        stuck = [f"{name}, after {done} steps" for name, (done, since) in self.seen.items() if now > since + STILL]
        if stuck:
            return f"for {STILL} s nothing was done by {'; '.join(stuck)}"
        return f"this takes too long: {dict(steps)}" if now > self.deadline else ""


def stacks(loop: asyncio.AbstractEventLoop | None) -> str:
    """Where each thread stands, and what each task of the loop waits for."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames().items()
    threads = [f"{names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}" for ident, frame in frames]
    tasks = (
        [] if loop is None else [f"{task.get_name()}:\n{''.join(awaited(task))}" for task in asyncio.all_tasks(loop)]
    )
    return "\n".join([*threads, *tasks])


def awaited(task: asyncio.Task[Any]) -> Iterator[str]:
    """The lines of a task's coroutine and of those that it awaits, outermost first."""
    coroutine: Any = task.get_coro()
    while coroutine is not None:
        frame: FrameType | None = getattr(coroutine, "cr_frame", None)
        if frame is not None:
            yield from traceback.format_list(traceback.StackSummary.extract([(frame, frame.f_lineno)]))
        coroutine = getattr(coroutine, "cr_await", None)
