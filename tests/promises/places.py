"""Ways to run code at another place: in a thread, in a loop, in a child."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from multi_tenant.context import UNDECIDED_PLACE, fixed_context

R = TypeVar("R")


def undecided() -> fixed_context:
    """The place where a new thread begins."""
    return fixed_context(UNDECIDED_PLACE)


def in_thread(call: Callable[[], R]) -> R:
    """What a call answers, or raises, in a new thread that closes its connections."""

    def run() -> R:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(run).result()


def in_callback(call: Callable[[], R]) -> R:
    """What a call answers as a timer's callback."""
    answers: list[Any] = []
    timer = threading.Timer(0, lambda: answers.append(in_this_thread(call)))
    timer.start()
    timer.join()
    [answer] = answers
    if isinstance(answer, Exception):
        raise answer
    return answer  # type: ignore[no-any-return]  # what the call answers


def in_this_thread(call: Callable[[], Any]) -> Any:
    """What a call answers, or the error that it raises, with connections closed after."""
    try:
        return call()
    except Exception as exc:  # noqa: BLE001  # raised again in the thread that waits
        return exc
    finally:
        connections.close_all()


def in_child(call: Callable[[], str]) -> str:
    """What a call answers in a forked child, which opens connections of its own."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # xdist's threads are not needed in the child.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, str(call()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return text
