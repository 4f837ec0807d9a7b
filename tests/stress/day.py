"""A day in a town: a crowd works, newcomers come and go if they may, and then all is looked at."""

from __future__ import annotations

from collections.abc import Callable

from tests.stress import audit
from tests.stress.conftest import Town
from tests.stress.crowd import Crowd
from tests.stress.newcomers import ALIASES, Registrar
from tests.stress.worker import close_mine, expect

MODES = ("sync", "async")


def spend(town: Town, crowd: Crowd, *, mode: str = "sync", registrar: Registrar | None = None) -> None:
    """Let a crowd work, and raise AssertionError for whatever it should not have done or left."""
    before = audit.Census.take(crowd.aliases)
    close_mine()
    wrappers, sessions = audit.wrappers(), town.ground.sessions()
    together(crowd, registrar, lambda: crowd.work(mode, lambda: expect_no_transactions(town, crowd)))
    crowd.raise_failures()
    audit.expect_soon(lambda: town.ground.sessions() <= sessions, "sessions are left on the server")
    audit.expect_freed(wrappers)
    audit.compare(before, audit.Census.take(crowd.aliases), crowd)
    close_mine()
    left = [name for name in town.ground.databases() if any(alias in name for alias in ALIASES)]
    expect(not left, f"of newcomers {left} are left")


def expect_no_transactions(town: Town, crowd: Crowd) -> None:
    """All have done their work, and nothing is closed yet."""
    transactions = 0 if crowd.failures else town.ground.transactions(crowd.aliases)
    expect(transactions == 0, f"{transactions} transactions are open on the server")


def together(crowd: Crowd, registrar: Registrar | None, call: Callable[[], None]) -> None:
    """Call it while the registrar works."""
    if registrar is None:
        call()
        return
    thread = crowd.begin("registrar", registrar.work)
    call()
    crowd.wait(lambda: not thread.is_alive(), lambda: {"registrar": registrar.steps})
