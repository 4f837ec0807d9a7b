"""Crowds in which something goes wrong on purpose: each check of a day finds what it is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from types import TracebackType
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, connections, transaction
from django.db.models import Model

from multi_tenant.context import place_context
from multi_tenant.databases.sqlite import SQLite
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.routing import router, settling
from multi_tenant.routing.handler import TenantConnectionHandler
from tests.stress import audit
from tests.stress.conftest import Town
from tests.stress.crowd import Crowd
from tests.stress.day import MODES, spend
from tests.stress.newcomers import ALIASES, Registrar, expect_own
from tests.stress.operations import OPERATIONS, Operation
from tests.stress.reads import join, look_elsewhere
from tests.stress.worker import COUNTRY, LOCKED, CrossingError, Worker
from tests.stress.writes import create
from tests.testapp.common.models import City
from tests.testapp.library.models import Book

TENANTS = 3
TOTAL = 60
WORKERS = 4
in_each_mode = pytest.mark.parametrize("mode", MODES)
#: What went wrong is kept here by the operations below, and closed after the test.
kept: list[Any] = []


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(audit, "PATIENCE", 0.2)  # what is not closed will not be, however long one waits
    yield
    for one in kept:
        one.inc_thread_sharing()
        one.close()
    kept.clear()


def crowd_of(town: Town, operations: Mapping[Operation, int]) -> Crowd:
    return Crowd(town.people(TENANTS), TOTAL, workers=WORKERS, operations=operations)


def expect_found(town: Town, operation: Operation, message: str, *, mode: str = "sync") -> None:
    """What an operation does wrong is found, and called what it is."""
    with pytest.raises(AssertionError, match=message):
        spend(town, crowd_of(town, {operation: 1}), mode=mode)


@in_each_mode
def test_a_small_crowd_passes(hamlet: Town, mode: str) -> None:
    spend(hamlet, crowd_of(hamlet, OPERATIONS), mode=mode)


@contextmanager
def router_astray() -> Iterator[None]:
    """A router that answers another tenant's alias at random, and nothing that asks again. The guard has to be off."""
    right, chance = router.home_alias, Random(1)

    def home_alias(model: type[Model] | None) -> str:
        alias = right(model)
        if alias == PUBLIC or chance.random() < 0.5:
            return alias
        return "t00" if alias == "t01" else "t01"

    def settled(alias: str | None, model: type[Model], instance: Model | None = None) -> str:
        return home_alias(model) if alias in (None, DEFAULT) else str(alias)

    with patch.object(router, "home_alias", home_alias), patch.object(settling, "settled", settled):
        yield


@in_each_mode
def test_a_router_that_errs_is_found_by_who_reads(hamlet: Town, configure: Callable[..., None], mode: str) -> None:
    crowd = crowd_of(hamlet, {create: 1, join: 1})
    configure(GUARD="off")
    with router_astray():
        crowd.work(mode)
    assert crowd.failures


def write_blindly(worker: Worker, alias: str) -> None:
    """Write, and do not look at what comes of it; the database gives the key, or it would find two that are equal.

    There is no block, as two that err could wait for each other.
    """
    City.objects.create(name=f"{alias}:blindly", country_id=COUNTRY)
    worker.wrote(alias, City._meta.label, 1)


def test_a_router_that_errs_is_found_by_the_audit(hamlet: Town, configure: Callable[..., None]) -> None:
    crowd = crowd_of(hamlet, {write_blindly: 1})
    configure(GUARD="off")
    with router_astray():
        crowd.work("sync")
    crowd.raise_failures()
    with pytest.raises(CrossingError, match="was read in"):
        audit.Census.take(crowd.aliases)


def leave_it_entered(
    self: place_context, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
) -> None:
    """A context that does not put back what it found."""


@in_each_mode
def test_a_context_that_leaks_is_found(hamlet: Town, mode: str) -> None:
    crowd = crowd_of(hamlet, {write_blindly: 1})
    with patch.object(place_context, "__exit__", leave_it_entered):
        crowd.work(mode)
    with pytest.raises(AssertionError, match="was left entered"):
        crowd.raise_failures()


def write_nothing(worker: Worker, alias: str) -> None:
    worker.made(alias, worker.key(alias))


def write_twice(worker: Worker, alias: str) -> None:
    create(worker, alias)
    Book.objects.create(pk=worker.key(alias), title=f"{alias}:twice", author_id=worker.author())


def count_nothing(worker: Worker, alias: str) -> None:
    worker.tallies[alias, LOCKED] += 1


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (write_nothing, "rows .found, expected."),
        (write_twice, "rows .found, expected."),
        (count_nothing, "tallies"),
    ],
)
def test_what_is_too_few_or_too_many_is_found(hamlet: Town, operation: Operation, message: str) -> None:
    expect_found(hamlet, operation, message)


def leave_a_block(worker: Worker, alias: str) -> None:
    transaction.atomic().__enter__()


def leave_by_hand(worker: Worker, alias: str) -> None:
    connection.set_autocommit(False)


@in_each_mode
@pytest.mark.parametrize("operation", [leave_a_block, leave_by_hand])
def test_a_connection_that_is_left_in_a_transaction_is_found(hamlet: Town, operation: Operation, mode: str) -> None:
    expect_found(hamlet, only_once(operation), "left in a transaction", mode=mode)


def only_once(operation: Operation) -> Operation:
    """The operation as the last one of one worker: what comes after it would stumble over it."""

    def last(worker: Worker, alias: str) -> None:
        if worker.number % WORKERS == 0 and worker.done.total() == TOTAL // WORKERS - 1:
            operation(worker, alias)

    return last


def open_another(worker: Worker, alias: str) -> Any:
    """A connection that nobody closes."""
    other = connections[DEFAULT].copy()
    other.inc_thread_sharing()
    kept.append(other)
    other.ensure_connection()
    return other


def begin_elsewhere(worker: Worker, alias: str) -> None:
    other = open_another(worker, alias)
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("UPDATE library_tag SET word = word")


def keep_open(worker: Worker, alias: str) -> None:
    with open_another(worker, alias).cursor() as cursor:
        cursor.execute("SELECT 1")


def keep_closed(worker: Worker, alias: str) -> None:
    open_another(worker, alias).close()


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (begin_elsewhere, "transactions are open on the server"),
        (keep_open, "sessions are left on the server"),
        (keep_closed, "wrappers are kept in memory"),
    ],
)
def test_what_a_thread_leaves_behind_is_found(hamlet: Town, operation: Operation, message: str) -> None:
    expect_found(hamlet, only_once(operation), message)


def test_a_row_of_a_predecessor_is_found() -> None:
    with pytest.raises(CrossingError, match="were read in"):
        expect_own("guest", 2, ["guest:2:of mine", "guest:1:of another"])


def test_a_connection_too_many_is_found(hamlet: Town, configure: Callable[..., None]) -> None:
    crowd = crowd_of(hamlet, {look_elsewhere: 1})
    configure(MAX_CONNECTIONS_PER_THREAD=TENANTS - 1)
    with patch.object(TenantConnectionHandler, "_make_room"), pytest.raises(AssertionError, match="were left open"):
        spend(hamlet, crowd)


def test_a_newcomers_database_that_is_left_is_found(hamlet: Town) -> None:
    crowd = crowd_of(hamlet, {join: 1})
    try:
        with patch.object(SQLite, "drop"), pytest.raises(CrossingError, match=r"of newcomers \['crowd.*guest-a"):
            spend(hamlet, crowd, registrar=Registrar(hamlet.ground, crowd))
    finally:
        hamlet.ground.drop(alias=ALIASES[0])
