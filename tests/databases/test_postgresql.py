from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError
from django.views.debug import ExceptionReporter

from multi_tenant import ProvisioningError
from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.registry.entry import Entry
from multi_tenant.routing.outages import CONNECT_SECONDS
from tests.databases.conftest import PREFIX, run

# Without its driver the engine cannot be imported; then no test here has a server either.
module: Any = pytest.importorskip("multi_tenant.databases.postgresql")
ONE, TWO = f"{PREFIX}one", f"{PREFIX}two"


def test_a_template_lets_nobody_in(postgresql: Engine) -> None:
    postgresql.create(ONE)
    postgresql.publish(ONE, TWO)
    with pytest.raises(TenantConnectionError):
        run(postgresql, TWO, "SELECT 1")
    postgresql.clone(TWO, ONE)
    assert run(postgresql, ONE, "SELECT 1") == [(1,)]


def test_a_database_in_use_is_dropped(postgresql: Engine) -> None:
    postgresql.create(ONE)
    user = engine_of(postgresql.entry_for(ONE), alias="user")
    with user.lock("held"):
        postgresql.drop(ONE)
        assert not postgresql.exists(ONE)


def test_a_draft_in_use_is_left(postgresql: Engine) -> None:
    postgresql.create(ONE)
    with engine_of(postgresql.entry_for(ONE), alias="user").lock("held"):
        assert not postgresql.drop_template(ONE)
    assert postgresql.drop_template(ONE)


def test_an_older_server_clones_without_a_strategy(postgresql: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRATEGY_VERSION", 10**9)
    postgresql.create(ONE)
    postgresql.clone(ONE, TWO)
    assert postgresql.exists(TWO)


def sessions(engine: Engine) -> int:
    """Sessions that bear the engine's application name."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{PREFIX}named'"
    [[count]] = run(engine, engine.entry["NAME"], query)
    return int(count)


def test_no_connection_is_left_open(postgresql: Engine) -> None:
    options = {"application_name": f"{PREFIX}named"}
    named = engine_of(Entry({**postgresql.entry, "OPTIONS": options}), alias="acme")
    named.create(ONE)
    with pytest.raises(ProvisioningError):
        named.create(ONE)
    with named.lock("key"):
        assert named.exists(ONE)
        assert sessions(postgresql) == 1
    # The server takes note of a closed connection when it comes to it.
    deadline = time.monotonic() + 10
    while sessions(postgresql) and time.monotonic() < deadline:
        pass
    assert sessions(postgresql) == 0


def test_what_the_server_refuses_is_its_own_error(postgresql: Engine) -> None:
    with pytest.raises(DatabaseError, match="template"):
        postgresql.drop_template("template0")


def test_the_environment_of_a_program_holds_what_its_arguments_may_not(
    postgresql: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[Any] = []
    real = subprocess.run

    def run_noted(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "run", run_noted)
    monkeypatch.setenv("PGSERVICEFILE", "/somebody's")
    postgresql.create(ONE)
    postgresql.dump(ONE, tmp_path / "archive")
    [(arguments, options)] = calls
    password = postgresql.entry["PASSWORD"]
    assert password not in repr(arguments)
    assert options["env"]["PGPASSWORD"] == password
    assert "PGSERVICEFILE" not in options["env"]
    assert "PGPASSWORD" not in os.environ


def test_a_missing_pg_dump_is_said_before_anything_is_done(postgresql: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProvisioningError, match="archive=False"):
        postgresql.check_dump()


def test_a_failed_dump_says_why_without_the_password(postgresql: Engine, tmp_path: Path) -> None:
    wrong = engine_of(Entry({**postgresql.entry, "PASSWORD": "hunter2hunter2"}), alias="acme")
    with pytest.raises(ProvisioningError, match="login is refused") as caught:
        wrong.dump(ONE, tmp_path / "archive")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in ExceptionReporter(None, caught.type, caught.value, caught.tb.tb_next).get_traceback_html()


def test_a_program_that_fails_for_a_reason_of_its_own_is_not_said_to_have_failed_to_connect(
    postgresql: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'the disk is full' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProvisioningError, match="it ended with 3"):
        postgresql.dump("any", tmp_path / "file")


def test_a_socket_that_is_not_there_is_a_server_out_of_reach(postgresql: Engine, tmp_path: Path) -> None:
    nowhere = engine_of(Entry({**postgresql.entry, "HOST": str(tmp_path)}), alias="acme")
    with pytest.raises(TenantConnectionError, match="cannot be reached"):
        nowhere.exists(ONE)


def test_a_wait_for_the_server_is_bounded(postgresql: Engine) -> None:
    assert postgresql.entry["OPTIONS"]["connect_timeout"] == CONNECT_SECONDS
    given = Entry({**postgresql.entry, "OPTIONS": {"connect_timeout": 3}})
    assert engine_of(given, alias="acme").entry["OPTIONS"]["connect_timeout"] == 3


def test_other_errors_of_the_server_are_its_own(postgresql: Engine) -> None:
    postgresql.create(TWO)  # not the server's own template: other tests make databases from that one meanwhile
    with (
        pytest.raises(OperationalError, match="being accessed"),
        engine_of(postgresql.entry_for(TWO), alias="user").lock("held"),
    ):
        postgresql.clone(TWO, ONE)


def test_a_program_that_cannot_be_started_shows_no_environment(
    postgresql: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_bytes(b"\x7fELF and nothing else")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProvisioningError, match="cannot be run") as failed:
        postgresql.dump("any", tmp_path / "file")
    assert failed.value.__cause__ is failed.value.__context__ is None
