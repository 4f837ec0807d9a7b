from __future__ import annotations

from typing import Any, NoReturn

import pytest
from django.core.management import CommandError
from django.db import connection, connections

from multi_tenant import TenantUnavailableError, current_alias, tenant_context
from multi_tenant.fleet.run import Outcome, run_in_each
from multi_tenant.fleet.selection import FleetTenant, named
from multi_tenant.lifecycle import suspend
from multi_tenant.routing.wrapper import TenantConnection


def open_aliases() -> list[str]:
    return [
        one.alias
        for one in connections.all(initialized_only=True)
        if isinstance(one, TenantConnection) and one.connection is not None
    ]


def test_the_work_is_done_inside_each_tenant_in_turn(acme: Any, bolt: Any) -> None:
    outcomes = list(run_in_each(named(["bolt", "acme"]), lambda tenant: (tenant.alias, current_alias())))
    assert [outcome.value for outcome in outcomes] == [("bolt", "bolt"), ("acme", "acme")]
    assert current_alias() == "public"


def test_a_failure_is_kept_from_the_others(acme: Any, bolt: Any) -> None:
    def fail_in_acme(tenant: FleetTenant) -> str:
        if tenant.alias == "acme":
            raise ValueError("a reason")
        return "done"

    failed, done = run_in_each(named(["acme", "bolt"]), fail_in_acme)
    assert (failed.value, failed.reason) == (None, "ValueError: a reason")
    assert (done.value, done.reason, done.error) == ("done", "", None)


def test_outside_of_its_turn_no_tenant_is_active_and_none_connected(acme: Any, bolt: Any) -> None:
    def connect(tenant: FleetTenant) -> list[str]:
        connection.ensure_connection()
        return open_aliases()

    seen = [
        (outcome.value, open_aliases(), current_alias()) for outcome in run_in_each(named(["acme", "bolt"]), connect)
    ]
    assert seen == [(["acme"], [], "public"), (["bolt"], [], "public")]


def test_a_callers_own_place_is_left_and_found_again(acme: Any, bolt: Any) -> None:
    with tenant_context("acme"):
        [outcome] = run_in_each(named(["bolt"]), lambda _: current_alias())
        assert (outcome.value, current_alias()) == ("bolt", "acme")


def test_ctrl_c_ends_the_run(acme: Any, bolt: Any) -> None:
    worked: list[str] = []

    def interrupt(tenant: FleetTenant) -> NoReturn:
        worked.append(tenant.alias)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_in_each(named(["acme", "bolt"]), interrupt))
    assert worked == ["acme"]
    assert (current_alias(), open_aliases()) == ("public", [])


def test_a_suspended_tenant_is_entered_by_operators_alone(acme: Any) -> None:
    suspend("acme")
    [refused] = run_in_each(named(["acme"]), lambda _: current_alias())
    assert isinstance(refused.error, TenantUnavailableError)
    [done] = run_in_each(named(["acme"]), lambda _: current_alias(), any_state=True)
    assert done.value == "acme"


@pytest.mark.parametrize(
    ("code", "reason"), [(None, ""), (0, ""), (3, "it ended with 3"), ("sorry", "it ended with sorry")]
)
def test_a_command_that_exits_ends_its_own_turn_alone(acme: Any, code: Any, reason: str) -> None:
    def leave(tenant: FleetTenant) -> NoReturn:
        raise SystemExit(code)

    [outcome] = run_in_each(named(["acme"]), leave)
    assert outcome.reason == reason
    assert (outcome.error is None) is (reason == "")


def test_errors_that_are_messages_are_told_as_such() -> None:
    assert Outcome[None]("acme", 0, error=CommandError("Say it so.")).reason == "Say it so."
