"""A run over more tenants than a thread may connect to keeps no connection, however the work fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection

from multi_tenant.fleet import run
from multi_tenant.fleet.run import run_in_each
from multi_tenant.fleet.selection import FleetTenant, named
from tests.promises.control import Without, guarded_by


def ask_nonsense(tenant: FleetTenant) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT nonsense FROM nowhere")


@guarded_by(Without(run, "let_go"))
def test_a_failure_that_left_its_cursor_open_keeps_no_connection(
    transactional_db: None, tenant_factory: Callable[..., Any], configure: Callable[..., None]
) -> None:
    aliases = [tenant_factory().alias for _ in range(4)]
    configure(MAX_CONNECTIONS_PER_THREAD=2)
    outcomes = list(run_in_each(named(aliases), ask_nonsense))
    assert all(isinstance(outcome.error, DatabaseError) for outcome in outcomes)


def test_an_error_in_a_circle_is_let_go() -> None:
    one, other = ValueError(), ValueError()
    one.__context__, other.__context__ = other, one
    run.let_go(one)
