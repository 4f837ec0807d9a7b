"""No stale answers at all: REGISTRY_STALE_IF_ERROR=0 refuses what cannot be read, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError

from multi_tenant.exceptions import RegistryUnavailableError
from multi_tenant.registry import lookup
from multi_tenant.registry.store import Store


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], int]]:
    """What each poll of the version in turn is to do."""
    found: list[Callable[[], int]] = []

    def poll() -> int:
        return found.pop(0)()

    monkeypatch.setattr(lookup, "poll_version", poll)
    return found


def refuse() -> int:
    raise OperationalError("away")


def test_a_version_that_was_just_read_is_good(configure: Any, answers: Any) -> None:
    configure(REGISTRY_TTL=0, REGISTRY_STALE_IF_ERROR=0)
    store = Store()
    answers += [lambda: 1, lambda: 2]
    assert (store.version(), store.version()) == (1, 2)


def test_a_version_that_cannot_be_read_is_refused(configure: Any, answers: Any) -> None:
    """The control."""
    configure(REGISTRY_TTL=0, REGISTRY_STALE_IF_ERROR=0)
    store = Store()
    answers += [lambda: 1, refuse, lambda: 3]
    assert store.version() == 1
    with pytest.raises(RegistryUnavailableError):
        store.version()
    assert store.version() == 3


def test_a_thread_waits_for_the_poll_of_another(configure: Any, answers: Any) -> None:
    configure(REGISTRY_TTL=0, REGISTRY_STALE_IF_ERROR=0)
    store = Store()
    polling, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        polling.set()
        go_on.wait(10)
        return 2

    answers += [lambda: 1, slow, lambda: 3]
    store.version()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(store.version)
        polling.wait(10)
        second = threads.submit(store.version)
        go_on.set()
        assert (first.result(), second.result()) == (2, 3)


def test_a_thread_does_not_wait_for_ever(configure: Any, answers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(REGISTRY_TTL=0, REGISTRY_STALE_IF_ERROR=0)
    monkeypatch.setattr("multi_tenant.registry.store.PATIENCE", 0.01)
    store = Store()
    answers += [lambda: 1]
    store.version()
    with store._lock, pytest.raises(RegistryUnavailableError):
        store.version()
