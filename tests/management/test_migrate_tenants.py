from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant, suspend
from multi_tenant.lifecycle.placement import public_engine
from multi_tenant.registry.models import Tenant
from tests.fleets import break_migrations, on_each_engine, put_behind
from tests.management.processes import interrupt, manage, start


def outcomes(text: str) -> dict[str, str]:
    return {row["alias"]: row["outcome"] for row in json.loads(text)}


@on_each_engine
def test_tenants_that_lack_migrations_get_them(acme: Any, bolt: Any, run: Any) -> None:
    put_behind("acme")
    output, errors = run("migrate_tenants")
    assert output.splitlines()[0].startswith("acme: library.0001_initial (")
    assert output.splitlines()[1:] == ["1 migrated, 1 up to date."]
    assert errors == ""
    with tenant_context("acme"):
        assert "library_book" in connection.introspection.table_names()


def test_machines_are_told_in_json(acme: Any, bolt: Any, run: Any) -> None:
    put_behind("bolt")
    rows = json.loads(run("migrate_tenants", "--json")[0])
    assert [row.pop("seconds") > 0 for row in rows] == [False, True]
    assert rows == [
        {"alias": "acme", "outcome": "current", "applied": [], "error": ""},
        {"alias": "bolt", "outcome": "migrated", "applied": ["library.0001_initial"], "error": ""},
    ]


def test_tenants_named_are_migrated_and_no_others(acme: Any, bolt: Any, run: Any) -> None:
    put_behind("acme")
    put_behind("bolt")
    assert outcomes(run("migrate_tenants", "bolt", "--json")[0]) == {"bolt": "migrated"}
    assert json.loads(run("migrate_tenants", "--plan", "--json")[0]) == ["acme"]


def test_the_plan_names_who_is_behind_and_changes_nothing(acme: Any, bolt: Any, run: Any) -> None:
    put_behind("acme")
    before = list(Tenant.objects.values())
    assert run("migrate_tenants", "--plan")[0] == "acme\n1 of 2 tenants lack migrations.\n"
    assert list(Tenant.objects.values()) == before


def test_a_failure_is_told_kept_from_the_others_and_in_the_exit_code(acme: Any, bolt: Any) -> None:
    break_migrations("acme")
    put_behind("bolt")
    done = manage("migrate_tenants")
    assert done.returncode == 1
    assert "acme: OperationalError: " in done.stderr or "acme: ProgrammingError: " in done.stderr
    assert "CommandError: Failed in 1 of 2 tenants: acme." in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("bolt: library.0001_initial")
    assert "Traceback" in manage("migrate_tenants", "--traceback", "acme").stderr


def test_a_failure_is_in_the_json_too(acme: Any, bolt: Any, run: Any) -> None:
    break_migrations("acme")
    done = manage("migrate_tenants", "--json")
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"acme": "failed", "bolt": "current"}
    assert json.loads(done.stdout)[0]["error"]


def test_suspended_tenants_are_migrated_too(acme: Any, run: Any) -> None:
    put_behind("acme")
    suspend("acme")
    assert outcomes(run("migrate_tenants", "--json")[0]) == {"acme": "migrated"}
    assert Tenant.objects.get().state == "suspended"


def test_with_more_verbosity_those_up_to_date_are_named(acme: Any, run: Any) -> None:
    assert run("migrate_tenants", "-v2")[0].startswith("acme: nothing to do (")
    assert run("migrate_tenants", "-v1")[0] == "0 migrated, 1 up to date.\n"


def test_an_unknown_tenant_is_refused_before_any_is_migrated(acme: Any, run: Any) -> None:
    put_behind("acme")
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        run("migrate_tenants", "acme", "nobody")
    assert json.loads(run("migrate_tenants", "--plan", "--json")[0]) == ["acme"]


def test_ctrl_c_tells_what_is_left(acme: Any, bolt: Any) -> None:
    create_tenant("clay")
    for alias in "acme", "bolt", "clay":
        put_behind(alias)
    # While somebody else works on bolt, its turn does not come.
    with public_engine("bolt").lock("multi_tenant:bolt"), start("migrate_tenants") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("acme: ")
        output, errors = interrupt(process)
    assert process.returncode == 130
    assert output == "1 migrated, 0 up to date.\n"
    assert errors == "CommandError: Interrupted. Not done: bolt, clay.\n"
