"""A forked child opens connections of its own, and leaves its parent's as they are."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakValueDictionary

import pytest
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from multi_tenant.context import public_context, tenant_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing import forks
from multi_tenant.routing.handler import TenantConnectionHandler
from tests import settings
from tests.promises.control import Removal, Without, guarded_by
from tests.promises.places import in_child
from tests.testapp.billing.models import Plan
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db(transaction=True)
shared = Without(forks, "connections", None)
#: psycopg looks itself whether it is in the process that opened the connection.
ends: tuple[Removal, ...] = (Without(forks, "keep_for_ever"),) if settings.PUBLIC == "sqlite" else ()


class Forgetful(WeakValueDictionary[int, Any]):
    """As if nobody knew of other threads' connections."""

    def __setitem__(self, key: int, value: Any) -> None:
        """Nothing is kept."""


PLACES: dict[str, tuple[Callable[[], AbstractContextManager[None]], Any, str]] = {
    "tenant": (lambda: tenant_context("acme"), Author, "acme"),
    "public": (public_context, Plan, PUBLIC),
}


@guarded_by(shared)
@pytest.mark.parametrize("place", PLACES)
def test_a_child_does_not_read_on_its_parents_connection(place: str, acme: Any) -> None:
    entered, model, alias = PLACES[place]
    with entered():
        model.objects.create(name="Ada")
        parents = id(connections[alias].connection)

    def child() -> str:
        with entered():
            inherited = connections[alias].connection is not None
            return f"{inherited} {model.objects.count()}"

    assert in_child(child) == "False 1"
    with entered():
        assert id(connections[alias].connection) == parents
        assert model.objects.count() == 1


@guarded_by(shared, *ends)
@pytest.mark.parametrize("place", PLACES)
def test_a_block_of_the_parent_goes_on_when_its_child_has_ended(place: str, acme: Any) -> None:
    entered, model, alias = PLACES[place]
    committed: list[str] = []

    def child() -> str:
        with entered():
            seen = f"{connections[alias].in_atomic_block} {model.objects.count()}"
        gc.collect()
        return seen

    def block() -> None:
        with entered(), transaction.atomic(using=alias):
            model.objects.create(name="Ada")
            transaction.on_commit(lambda: committed.append("parent's"), using=alias)
            assert in_child(child) == "False 0"
            model.objects.create(name="Eve")

    assert goes_through(block)
    with entered():
        assert model.objects.count() == 2
    assert committed == ["parent's"]


@pytest.mark.skipif(settings.PUBLIC != "sqlite", reason="psycopg looks itself which process opened a connection")
@guarded_by(Without(TenantConnectionHandler, "made", Forgetful()))
def test_a_transaction_of_another_thread_goes_on_when_a_child_has_ended() -> None:
    begun, forked, own = threading.Event(), threading.Event(), threading.local()

    def begin() -> None:
        # Not one that the test kit knows, and holds.
        own.connection = connections.create_connection("default")
        own.connection.set_autocommit(False)
        with own.connection.cursor() as cursor:
            cursor.execute("INSERT INTO billing_plan (name) VALUES ('Ada')")

    def work() -> bool:
        try:
            begin()
        finally:
            begun.set()
        forked.wait()
        try:
            return goes_through(own.connection.commit)
        finally:
            own.connection.close()

    with ThreadPoolExecutor(1) as executor:
        committed = executor.submit(work)
        begun.wait()
        try:
            in_child(lambda: str(gc.collect()))
        finally:
            forked.set()
        assert committed.result()


def test_a_child_may_leave_its_parents_block(acme: Any) -> None:
    def child(block: Any) -> str:
        block.__exit__(SystemExit, SystemExit(), None)
        with tenant_context("acme"):
            Author.objects.create(name="Child")
        return "done"

    with tenant_context("acme"):
        block = transaction.atomic()
        block.__enter__()
        assert in_child(lambda: child(block)) == "done"
        block.__exit__(None, None, None)
        assert Author.objects.get().name == "Child"


@pytest.mark.skipif(settings.PUBLIC != "postgres", reason="pools are of PostgreSQL")
@guarded_by(Without(forks, "empty_pools"))
def test_a_child_takes_nothing_from_its_parents_pool() -> None:
    entry = {**connections[PUBLIC].settings_dict, "CONN_MAX_AGE": 0}
    entry["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 1, "timeout": 5}}
    pooled: BaseDatabaseWrapper = load_backend(entry["ENGINE"]).DatabaseWrapper(entry, "pooled")

    def session() -> str:
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            answer = str(cursor.fetchone()[0])
        pooled.close()
        return answer

    try:
        parents = session()
        childs = in_child(session)
        assert childs.isdecimal()
        assert childs != parents
        assert session() == parents
    finally:
        pooled.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's own


def goes_through(block: Callable[[], None]) -> bool:
    """Whether a transaction is committed."""
    try:
        block()
    except DatabaseError:
        connections.close_all()
        return False
    return True
