"""Connections that are kept from request to request are looked at again once there is something to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from multi_tenant.context import tenant_context
from multi_tenant.models import Tenant
from multi_tenant.routing.wrapper import TenantConnection
from tests.promises.control import Without, guarded_by
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db(transaction=True)
STOCK = BaseDatabaseWrapper.close_if_unusable_or_obsolete


@pytest.fixture
def kept(acme: Tenant) -> Any:
    """The connection of a tenant, which stays open as if CONN_MAX_AGE were None."""
    with tenant_context(acme):
        Author.objects.count()
        connection = connections["acme"]
    connection.close_at = None
    close_old_connections()
    assert connection.connection is not None
    return connection


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The aliases of the connections that Django has looked at, as they are looked at."""
    seen: list[str] = []

    def look(self: Any) -> None:
        seen.append(self.alias)
        STOCK(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "close_if_unusable_or_obsolete", look)
    return seen


def always(self: Any) -> None:
    """As if there were no short cut."""
    BaseDatabaseWrapper.close_if_unusable_or_obsolete(self)


@guarded_by(Without(TenantConnection, "close_if_unusable_or_obsolete", always))
def test_a_connection_that_was_not_used_is_not_looked_at(kept: Any, looks: list[str]) -> None:
    close_old_connections()
    close_old_connections()
    assert "acme" not in looks


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


def never(self: Any) -> None:
    """As if nothing ever changed."""


@guarded_by(Without(TenantConnection, "close_if_unusable_or_obsolete", never))
@pytest.mark.parametrize("change", [use, use_what_is_held, fail, grow_old])
def test_a_connection_with_something_new_is_looked_at(
    change: Callable[[Any], None], kept: Any, looks: list[str]
) -> None:
    change(kept)
    close_old_connections()
    assert "acme" in looks


def test_a_connection_that_is_too_old_is_closed_though_nobody_used_it(kept: Any) -> None:
    kept.close_at = 0
    close_old_connections()
    assert kept.connection is None
