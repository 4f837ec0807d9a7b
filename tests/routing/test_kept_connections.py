"""Connections that are kept from request to request are looked at again once there is something to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import close_old_connections, connections, reset_queries
from django.db.backends.base import base
from django.db.backends.base.base import BaseDatabaseWrapper

from multi_tenant.context import tenant_context
from multi_tenant.models import Tenant
from multi_tenant.routing import handler
from multi_tenant.routing import kept as module
from multi_tenant.routing.kept import Stirred
from multi_tenant.routing.wrapper import TenantConnection
from tests.promises.control import Without, guarded_by
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db(transaction=True)
STOCK = BaseDatabaseWrapper.close_if_unusable_or_obsolete


@pytest.fixture
def kept(acme: Tenant) -> Iterator[Any]:
    """The connection of a tenant, which stays open as if CONN_MAX_AGE were None."""
    with tenant_context(acme):
        Author.objects.count()
        connection = connections["acme"]
    connection.close_at = None
    close_old_connections()
    assert connection.connection is not None
    yield connection
    connection.close()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The aliases of the connections that Django has looked at, as they are looked at."""
    seen: list[str] = []

    def look(self: Any) -> None:
        seen.append(self.alias)
        STOCK(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "close_if_unusable_or_obsolete", look)
    return seen


def all_of_them(self: Stirred, live: Any) -> Any:
    """As if there were no short cut."""
    return live.values()


@guarded_by(Without(Stirred, "among", all_of_them), Without(handler, "HOOKS", frozenset()))
def test_a_connection_that_was_not_used_is_not_looked_at(kept: Any, looks: list[str]) -> None:
    close_old_connections()
    close_old_connections()
    assert "acme" not in looks


def test_whoever_else_asks_for_all_connections_gets_all(kept: Any) -> None:
    assert kept in connections.all(initialized_only=True)
    assert kept in connections.all()


def use(kept: Any) -> None:
    with tenant_context("acme"):
        Author.objects.count()


def use_what_is_held(kept: Any) -> None:
    with tenant_context("acme"), kept.cursor() as cursor:
        cursor.execute("SELECT 1")


def fail(kept: Any) -> None:
    kept.errors_occurred = True


def grow_old(kept: Any) -> None:
    kept.close_at = 0


def begin(kept: Any) -> None:
    with tenant_context("acme"):
        kept.set_autocommit(False)


def reconnect(kept: Any) -> None:
    kept.close()
    with tenant_context("acme"):
        kept.connect()


@guarded_by(Without(TenantConnection, "stir"))
@pytest.mark.parametrize("change", [use, use_what_is_held, fail, grow_old, begin, reconnect])
def test_a_connection_with_something_new_is_looked_at(
    change: Callable[[Any], None], kept: Any, looks: list[str]
) -> None:
    change(kept)
    close_old_connections()
    assert "acme" in looks


def at_once(self: Stirred, connection: Any) -> None:
    """As if what a look has found were always all that there is to see."""
    self.pop(connection.alias, None)


@guarded_by(Without(TenantConnection, "in_use", False))
def test_a_connection_in_use_is_looked_at_until_it_is_free(kept: Any, looks: list[str]) -> None:
    with tenant_context("acme"), kept.cursor():
        for times in (1, 2, 3):
            close_old_connections()
            assert looks.count("acme") == times
    close_old_connections()
    close_old_connections()
    assert looks.count("acme") == 4


def settle_anyway(self: Any) -> None:
    """As if a look at a connection were all."""
    STOCK(self)
    self.stirred.settle(self)


@guarded_by(Without(TenantConnection, "close_if_unusable_or_obsolete", settle_anyway))
def test_what_was_logged_of_a_request_is_gone_when_the_next_begins(kept: Any) -> None:
    kept.force_debug_cursor = True
    use(kept)
    close_old_connections()  # the request ends
    assert len(kept.queries_log) > 0
    reset_queries()
    assert len(kept.queries_log) == 0


@guarded_by(Without(Stirred, "settle", at_once))
def test_a_connection_that_is_too_old_is_closed_though_nobody_used_it(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = monotonic()
    kept.close_at = now + 1_000
    monkeypatch.setattr(module, "monotonic", lambda: now)
    close_old_connections()
    assert kept.connection is not None
    monkeypatch.setattr(module, "monotonic", lambda: now + 2_000)
    monkeypatch.setattr(base, "time", SimpleNamespace(monotonic=lambda: now + 2_000))
    reset_queries()
    close_old_connections()
    assert kept.connection is None


def test_a_connection_that_came_from_another_thread_is_always_looked_at(kept: Any, looks: list[str]) -> None:
    """As a live server's database in memory, of whose use here this thread is not told."""
    own = kept.stirred
    kept.stirred = Stirred()
    connections["acme"] = kept
    close_old_connections()
    close_old_connections()
    assert looks.count("acme") == 2
    kept.stirred, own.partial = own, False


def test_a_closed_connection_is_told_of_no_more(kept: Any, acme: Tenant) -> None:
    own = kept.stirred
    connections.retire("acme")  # type: ignore[attr-defined]  # the handler's own
    kept.touch()
    assert dict(own) == {}
