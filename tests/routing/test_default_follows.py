"""``default`` is the active tenant: for code that says it, and for code that says nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.base import BaseHandler
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic

from multi_tenant.context import PUBLIC_PLACE, active_place, current_alias, public_context, tenant_bound, tenant_context
from multi_tenant.models import Tenant
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.wrapper import TenantConnection
from tests.promises.control import Without, WithoutPatch, all_of, guarded_by
from tests.settings import PUBLIC
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import Country
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db(transaction=True)
needs_postgres = pytest.mark.skipif(PUBLIC != "postgres", reason="SQLite has no locks of rows")


def default_is_public(self: TenantConnectionHandler, alias: str) -> Any:
    """What other libraries do: ``default`` is the public database, whoever is active."""
    return self._static("default") if alias in {"default", "public"} else stock_item(self, alias)


stock_item = TenantConnectionHandler.__getitem__
public_default = Without(TenantConnectionHandler, "__getitem__", default_is_public)


@contextmanager
def block_resolves_twice() -> Iterator[None]:
    """Django's own blocks; they leave connections stuck, which are given up here."""
    with all_of(WithoutPatch(Atomic, "__enter__"), WithoutPatch(Atomic, "__exit__")):
        yield
    for stuck in connections.all(initialized_only=True):
        if isinstance(stuck, TenantConnection):
            stuck.in_atomic_block = stuck.needs_rollback = False
            stuck.savepoint_ids, stuck.atomic_blocks, stuck.run_on_commit = [], [], []
            stuck.close()
            del connections[stuck.alias]


@contextmanager
def fails() -> Iterator[None]:
    """A block that ends in an error."""
    with pytest.raises(ZeroDivisionError):
        yield


def names() -> list[str]:
    return sorted(Author.objects.values_list("name", flat=True))


@guarded_by(public_default)
def test_a_raw_cursor_is_the_tenants(in_tenant: Tenant) -> None:
    Country.objects.create(code="fr")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM common_country")
        count = cursor.fetchone()[0]
    assert count == 1


def test_the_proxy_and_the_handler_agree(in_tenant: Tenant) -> None:
    assert connections["default"] is connections[in_tenant.alias]
    assert connections["default"].alias == in_tenant.alias
    assert connection.settings_dict is connections["default"].settings_dict
    with public_context():
        assert connections["default"] is connections["public"]


def block_of_public(self: Atomic) -> None:
    """A bare block on the public database, as in other libraries."""
    self.using = "public" if self.using in (None, "default") else self.using
    enter(self)


enter: Any = Atomic.__enter__


@guarded_by(Without(Atomic, "__enter__", block_of_public))
def test_a_bare_block_rolls_the_tenant_back(in_tenant: Tenant) -> None:
    with fails(), transaction.atomic():
        Author.objects.create(name="lost")
        _ = 1 / 0
    assert names() == []


def test_a_bare_block_does_not_cover_shared_models(in_tenant: Tenant) -> None:
    with fails(), transaction.atomic():
        Plan.objects.create(name="kept")
        _ = 1 / 0
    assert Plan.objects.filter(name="kept").exists()


def test_blocks_on_both_roll_both_back(in_tenant: Tenant) -> None:
    with fails(), transaction.atomic(using="public"), transaction.atomic():
        Plan.objects.create(name="lost")
        Author.objects.create(name="lost")
        _ = 1 / 0
    assert not Plan.objects.filter(name="lost").exists()
    assert names() == []


@guarded_by(block_resolves_twice)
def test_a_block_keeps_its_connection_when_the_tenant_changes_inside(acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        with transaction.atomic():
            Author.objects.create(name="acme's")
            inner = tenant_context(bolt, switch=True)
            inner.__enter__()
            Author.objects.create(name="bolt's")
        closed = not connections["bolt"].in_atomic_block
        inner.__exit__(None, None, None)
        closed = closed and not connections["acme"].in_atomic_block
        assert closed
        assert names() == ["acme's"]
    with tenant_context(bolt):
        assert names() == ["bolt's"]


def test_a_block_that_fails_in_another_tenant_rolls_its_own_back(acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme):
        with fails(), transaction.atomic():
            Author.objects.create(name="lost")
            with tenant_context(bolt, switch=True):
                Author.objects.create(name="kept")
                _ = 1 / 0
        assert names() == []
    with tenant_context(bolt):
        assert names() == ["kept"]


def test_nested_blocks_of_two_tenants_end_each_where_it_began(acme: Tenant, bolt: Tenant) -> None:
    with tenant_context(acme), transaction.atomic():
        Author.objects.create(name="kept")
        with tenant_context(bolt, switch=True), fails(), transaction.atomic():
            Author.objects.create(name="lost")
            _ = 1 / 0
        with fails(), transaction.atomic():
            Author.objects.create(name="lost")
            _ = 1 / 0
    with tenant_context(acme):
        assert names() == ["kept"]
    with tenant_context(bolt):
        assert names() == []


def test_a_block_in_a_tenant_is_durable_though_public_has_one(in_tenant: Tenant) -> None:
    with transaction.atomic(using="public"), transaction.atomic(durable=True):
        Author.objects.create(name="kept")
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(), transaction.atomic(durable=True):
        pass


def test_a_rollback_that_is_asked_for_is_the_tenants(in_tenant: Tenant) -> None:
    with transaction.atomic():
        Author.objects.create(name="lost")
        transaction.set_rollback(True)
    assert names() == []


@transaction.atomic
def write(name: str, fails: bool, barrier: threading.Barrier) -> None:
    """One decorated function for all threads."""
    Author.objects.create(name=name)
    barrier.wait(30)
    if fails:
        raise ZeroDivisionError


@pytest.mark.parametrize("rounds", [3])
def test_a_decorated_function_is_right_in_eight_threads(rounds: int, tenant_factory: Callable[..., Tenant]) -> None:
    tenants = [tenant_factory(f"thread-{number}") for number in range(8)]
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        try:
            for turn in range(rounds):
                try:
                    write(f"{turn}", (number + turn) % 2 == 1, barrier)
                except ZeroDivisionError:
                    continue
        finally:
            connections.close_all()

    def bound(number: int) -> Callable[[], None]:
        with tenant_context(tenants[number]):
            return tenant_bound(lambda: work(number))

    with ThreadPoolExecutor(8) as executor:
        for done in [executor.submit(bound(number)) for number in range(8)]:
            done.result()
    for number, tenant in enumerate(tenants):
        with tenant_context(tenant):
            assert names() == [str(turn) for turn in range(rounds) if (number + turn) % 2 == 0]


@guarded_by(block_resolves_twice)
def test_a_recursive_decorated_function_ends_each_level_where_it_began(acme: Tenant, bolt: Tenant) -> None:
    @transaction.atomic
    def deep(level: int) -> None:
        Author.objects.create(name=str(level))
        if level < 4:
            with tenant_context("bolt" if level % 2 == 0 else "acme", switch=True):
                deep(level + 1)
        if level == 4:
            active_place.set(PUBLIC_PLACE)  # the blocks end elsewhere than they began

    with tenant_context(acme):
        deep(0)
        assert not connections["acme"].in_atomic_block
        assert not connections["bolt"].in_atomic_block


def test_callbacks_run_in_the_tenant_they_were_registered_in(acme: Tenant, bolt: Tenant) -> None:
    ran: list[tuple[str, str | None]] = []
    with tenant_context(acme), transaction.atomic():
        transaction.on_commit(lambda: ran.append(("acme", current_alias())))
        with tenant_context(bolt, switch=True):
            transaction.on_commit(lambda: ran.append(("bolt", current_alias())))
            with public_context():
                transaction.on_commit(lambda: ran.append(("public", current_alias())))
        assert ran == [("bolt", "bolt"), ("public", "public")]  # they have no block, so at once
    assert ran[2:] == [("acme", "acme")]


@guarded_by(WithoutPatch(BaseDatabaseWrapper, "on_commit"))
def test_a_callback_of_a_block_that_ends_elsewhere_runs_at_home(acme: Tenant, bolt: Tenant) -> None:
    ran: list[str | None] = []
    block = transaction.atomic()
    with tenant_context(acme):
        block.__enter__()
        transaction.on_commit(lambda: ran.append(current_alias()))
    with tenant_context(bolt):
        block.__exit__(None, None, None)
    assert ran == ["acme"]


def test_a_callback_of_a_rolled_back_block_never_runs(in_tenant: Tenant) -> None:
    ran: list[str] = []
    with transaction.atomic():
        transaction.on_commit(lambda: ran.append("lost"))
        transaction.set_rollback(True)
    assert ran == []


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """ATOMIC_REQUESTS of the public database is on."""
    monkeypatch.setitem(connections["public"].settings_dict, "ATOMIC_REQUESTS", True)


def view(request: Any, breaks: bool) -> Any:
    Author.objects.create(name="written")
    if breaks:
        raise ZeroDivisionError
    return connections["default"].alias if connections["default"].in_atomic_block else None


def test_atomic_requests_covers_the_tenant(atomic_requests: None, acme: Tenant) -> None:
    with tenant_context(acme):
        atomic_view: Any = BaseHandler().make_view_atomic(view)
        assert atomic_view(None, False) == "acme"
        Author.objects.all().delete()
        with pytest.raises(ZeroDivisionError):
            atomic_view(None, True)
        assert names() == []
        assert connections["default"].settings_dict["ATOMIC_REQUESTS"] is True


def test_without_atomic_requests_views_commit_as_they_go(acme: Tenant) -> None:
    with tenant_context(acme):
        with pytest.raises(ZeroDivisionError):
            BaseHandler().make_view_atomic(view)(None, True)
        assert names() == ["written"]


@needs_postgres
def test_select_for_update_locks_the_tenants_row(in_tenant: Tenant) -> None:
    Author.objects.create(name="locked")
    with transaction.atomic():
        row = Author.objects.select_for_update().get()
        with tenant_context(in_tenant):
            bound = tenant_bound(locked_rows)
        with ThreadPoolExecutor(1) as executor:
            assert executor.submit(bound).result() == 0
    assert row.name == "locked"


def locked_rows() -> int:
    """How many rows a second transaction can lock."""
    try:
        with transaction.atomic():
            return len(Author.objects.select_for_update(skip_locked=True))
    finally:
        connections.close_all()


@needs_postgres
def test_select_for_update_outside_of_a_block_is_refused(in_tenant: Tenant) -> None:
    with transaction.atomic(using="public"), pytest.raises(transaction.TransactionManagementError):
        list(Author.objects.select_for_update())


def test_the_async_orm_writes_where_each_task_is(acme: Tenant, bolt: Tenant) -> None:
    async def work(alias: str) -> list[str]:
        async with tenant_context(alias):
            for number in range(5):
                await Author.objects.acreate(name=f"{alias} {number}")
            return [author.name async for author in Author.objects.order_by("name")]

    async def main() -> list[list[str]]:
        try:
            return list(await asyncio.gather(work("acme"), work("bolt"), work("acme")))
        finally:
            await sync_to_async(connections.close_all)()

    for found in asyncio.run(main()):
        assert len({name.split()[0] for name in found}) == 1
    with tenant_context(acme):
        assert names() == sorted(f"acme {number}" for number in range(5) for _ in range(2))
    with tenant_context(bolt):
        assert names() == [f"bolt {number}" for number in range(5)]
