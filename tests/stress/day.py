"""A day in a town: a crowd works, newcomers come and go if they may, and then all is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.stress import audit
from tests.stress.conftest import Town
from tests.stress.crowd import PATIENCE, Crowd
from tests.stress.newcomers import ALIASES, Registrar
from tests.stress.worker import close_mine, expect

MODES = ("sync", "async")


def spend(town: Town, crowd: Crowd, *, mode: str = "sync", registrar: Registrar | None = None) -> None:
    """Let a crowd work, and raise AssertionError for whatever it should not have done or left."""
    aliases = crowd.workers[0].aliases
    before = audit.Census.take(aliases)
    close_mine()
    wrappers, sessions = audit.wrappers(), town.ground.sessions()
    together(crowd, registrar, lambda: work(town, crowd, mode=mode))
    crowd.raise_failures()
    audit.expect_freed(wrappers)
    audit.expect_soon(lambda: town.ground.sessions() <= sessions, "sessions are left on the server")
    audit.compare(before, audit.Census.take(aliases), crowd)
    close_mine()
    left = [name for name in town.ground.databases() if any(alias in name for alias in ALIASES)]
    expect(not left, f"of newcomers {left} are left")


def work(town: Town, crowd: Crowd, *, mode: str) -> None:
    """The crowd's work itself; when it is done, and nothing is closed yet, no transaction may be open."""

    def at_rest() -> None:
        if not crowd.failures:
            transactions = town.ground.transactions(crowd.workers[0].aliases)
            expect(transactions == 0, f"{transactions} transactions are open on the server")

    (crowd.work_in_threads if mode == "sync" else crowd.work_in_tasks)(at_rest)


def together(crowd: Crowd, registrar: Registrar | None, call: Callable[[], None]) -> None:
    """Call it while the registrar works."""
    if registrar is None:
        call()
        return
    thread = threading.Thread(target=crowd.watched, args=(registrar.work,))
    thread.start()
    call()
    thread.join(PATIENCE)
