"""Visitors who ask for a tenant's page again and again while something happens to the site."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.journeys.server import Server

PACE_SECONDS = 0.02


@dataclass(frozen=True)
class Visit:
    """One answer, or the error that came in its place: when it was asked for, and what it was."""

    alias: str
    asked: float
    status: int | str
    worker: str


@dataclass
class Load:
    """All visits so far."""

    visits: list[Visit] = field(default_factory=list)

    def failures(self) -> list[Visit]:
        """The visits that were answered with anything but the page."""
        return [visit for visit in tuple(self.visits) if visit.status != 200]

    def served_since(self, begin: float) -> set[str]:
        """The workers that have served a visitor who asked after ``begin``."""
        return {visit.worker for visit in tuple(self.visits) if visit.asked > begin and visit.status == 200}


def visit(server: Server, alias: str) -> Visit:
    asked = time.monotonic()
    try:
        answer = server.fetch(alias)
    except (OSError, HTTPException) as exc:
        return Visit(alias, asked, repr(exc), "")
    return Visit(alias, asked, answer.status, answer.worker)


@contextmanager
def under_load(server: Server, aliases: Sequence[str], *, visitors: int = 4) -> Iterator[Load]:
    """Visitors in as many threads, who begin before the block and end after it."""
    load, over = Load(), threading.Event()

    def go(number: int) -> None:
        while not over.wait(PACE_SECONDS):  # the machine has other things to do
            load.visits.append(visit(server, aliases[number % len(aliases)]))

    threads = [threading.Thread(target=go, args=[number]) for number in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        begin = time.monotonic()
        server.until(lambda: load.served_since(begin) == server.workers or bool(load.failures()))
        yield load
    finally:
        over.set()
        for thread in threads:
            thread.join()
