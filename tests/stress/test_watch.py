"""Crowds of which somebody is stuck on purpose: they end soon, and tell where each one stands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from unittest.mock import patch

import pytest

from tests.stress import crowd as crowds
from tests.stress import watch
from tests.stress.conftest import Town
from tests.stress.crowd import Crowd
from tests.stress.day import together
from tests.stress.newcomers import Registrar
from tests.stress.operations import OPERATIONS
from tests.stress.reads import join
from tests.stress.test_controls import crowd_of, in_each_mode
from tests.stress.watch import StalledError
from tests.stress.worker import Worker

#: Set when those who are stuck may go on.
let_go = threading.Event()


@pytest.fixture(autouse=True)
def no_long_parting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "PARTING", 0.05)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has nobody wait for long any more."""
    return lambda: monkeypatch.setattr(watch, "STILL", 0.1)


def expect_stall(call: Callable[[], None], crowd: Crowd, message: str) -> str:
    """The call ends by a stall, and all go home afterwards."""
    let_go.clear()
    try:
        with pytest.raises(StalledError, match=message) as told:
            call()
    finally:
        let_go.set()
        for thread in crowd.threads:
            thread.join()
    return str(told.value)


@in_each_mode
def test_who_comes_to_no_end_is_found_and_told_where(hamlet: Town, hurry: Callable[[], None], mode: str) -> None:
    def get_stuck(worker: Worker, alias: str) -> None:
        hurry()
        let_go.wait()

    crowd = crowd_of(hamlet, {get_stuck: 1})
    told = expect_stall(lambda: crowd.work(mode), crowd, "nothing was done by worker")
    assert "in get_stuck" in told
    assert ("in _visit_async" in told) is (mode == "async")


def test_a_registrar_who_comes_to_no_end_is_found(hamlet: Town, hurry: Callable[[], None]) -> None:
    def work() -> None:
        crowd.work("sync")
        hurry()

    crowd = crowd_of(hamlet, {join: 1})
    registrar = Registrar(hamlet.ground, crowd)
    with patch.object(registrar, "live", lambda alias: let_go.wait()):
        told = expect_stall(lambda: together(crowd, registrar, work), crowd, "nothing was done by registrar")
    assert "let_go.wait()" in told


def test_a_crowd_that_is_too_slow_is_found(hamlet: Town) -> None:
    crowd = crowd_of(hamlet, OPERATIONS)
    crowd.watch.deadline = 0
    expect_stall(lambda: crowd.work("sync"), crowd, "takes too long")
