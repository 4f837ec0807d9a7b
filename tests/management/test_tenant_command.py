from __future__ import annotations

import io
import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections

from multi_tenant import TenantUnavailableError, UnknownTenantError, current_alias, public_context, tenant_context
from multi_tenant.lifecycle import create_tenant, suspend
from multi_tenant.routing.wrapper import TenantConnection
from tests.fleets import on_each_engine
from tests.management.processes import interrupt, manage, start

COUNT_USERS = "print('users:', User.objects.count())"


def names_in(alias: str) -> set[str]:
    with tenant_context(alias):
        return set(User.objects.values_list("username", flat=True))


def add_user(alias: str, name: str) -> None:
    with tenant_context(alias):
        User.objects.create(username=name)


def create_superuser(run: Any, alias: str, name: str) -> None:
    run("tenant_command", alias, "--", "createsuperuser", "--no-input", f"--username={name}", "--email=a@example.com")


@on_each_engine
def test_createsuperuser_makes_the_user_in_the_tenant_alone(acme: Any, bolt: Any, run: Any) -> None:
    create_superuser(run, "acme", "root")
    assert names_in("acme") == {"root"}
    assert names_in("bolt") == set()
    assert not User.objects.using("public").exists()


@on_each_engine
def test_what_dumpdata_writes_in_one_tenant_loaddata_reads_in_another(
    acme: Any, bolt: Any, run: Any, tmp_path: Path
) -> None:
    add_user("acme", "ada")
    fixture = tmp_path / "users.json"
    run("tenant_command", "acme", "--", "dumpdata", "auth.user", "--output", str(fixture))
    assert [row["fields"]["username"] for row in json.loads(fixture.read_text())] == ["ada"]
    run("tenant_command", "bolt", "--", "loaddata", str(fixture))
    assert names_in("bolt") == {"ada"}
    assert not User.objects.using("public").exists()


def test_dumpdata_on_standard_output_is_the_tenants_data_and_nothing_else(acme: Any, run: Any) -> None:
    add_user("acme", "ada")
    output, errors = run("tenant_command", "acme", "--", "dumpdata", "auth.user")
    assert [row["fields"]["username"] for row in json.loads(output)] == ["ada"]
    assert errors == ""


@on_each_engine
def test_flush_empties_the_tenant_alone(acme: Any, bolt: Any, run: Any) -> None:
    add_user("acme", "ada")
    add_user("bolt", "bob")
    User.objects.using("public").create(username="pat")
    run("tenant_command", "acme", "--", "flush", "--no-input")
    assert (names_in("acme"), names_in("bolt")) == (set(), {"bob"})
    assert User.objects.using("public").get().username == "pat"


@on_each_engine
def test_migrate_changes_the_tenant_alone(acme: Any, bolt: Any, run: Any) -> None:
    run("tenant_command", "acme", "--", "migrate", "library", "zero")
    with tenant_context("acme"):
        assert "library_book" not in connections["default"].introspection.table_names()
    with tenant_context("bolt"):
        assert "library_book" in connections["default"].introspection.table_names()


def test_check_runs_in_the_tenant(acme: Any, run: Any) -> None:
    output, _ = run("tenant_command", "acme", "--", "check", "--database", "default")
    assert "no issues" in output


@on_each_engine
def test_shell_runs_code_from_standard_input_in_the_tenant(acme: Any) -> None:
    add_user("acme", "ada")
    done = manage("tenant_command", "acme", "--", "shell", "-v0", given=COUNT_USERS)
    assert (done.stdout, done.stderr, done.returncode) == ("users: 1\n", "", 0)


@on_each_engine
def test_dbshell_reaches_the_tenants_database(acme: Any, bolt: Any) -> None:
    add_user("acme", "ada")
    for alias, count in ("acme", 1), ("bolt", 0):
        done = manage("tenant_command", alias, "--", "dbshell", given="SELECT 'users: ' || count(*) FROM auth_user;")
        assert f"users: {count}" in done.stdout
        assert done.returncode == 0


@on_each_engine
def test_dbshell_refuses_a_database_that_is_another_tenants(acme: Any, bolt: Any) -> None:
    acme.database = {**bolt.database}
    bolt.delete()
    acme.save()
    done = manage("tenant_command", "acme", "--", "dbshell", given="SELECT 'reached';")
    assert "reached" not in done.stdout
    assert "not marked as this tenant's" in done.stderr
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_every_tenant_named_has_its_turn(acme: Any, bolt: Any, capsys: pytest.CaptureFixture[str], run: Any) -> None:
    add_user("acme", "ada")
    code = "from multi_tenant import current_alias; print(current_alias(), User.objects.count())"
    _, errors = run("tenant_command", "bolt", "acme", "bolt", "--", "shell", "-v0", "-c", code)
    assert capsys.readouterr().out == "bolt 0\nacme 1\n"
    assert errors == "bolt:\nacme:\n"
    assert run("tenant_command", "bolt", "acme", "-v0", "--", "shell", "-v0", "-c", code)[1] == ""


def test_a_failure_in_one_tenant_is_kept_from_the_others(acme: Any, bolt: Any, run: Any) -> None:
    add_user("acme", "root")
    with pytest.raises(CommandError, match=r"Failed in 1 of 2 tenants: acme\.$") as failure:
        run(
            "tenant_command",
            "acme",
            "bolt",
            "--",
            "createsuperuser",
            "--no-input",
            "--username=root",
            "--email=a@b.org",
        )
    assert failure.value.returncode == 1
    assert names_in("bolt") == {"root"}


def test_exit_codes_tell_the_truth(acme: Any, bolt: Any) -> None:
    code = "import sys; from multi_tenant import current_alias; sys.exit(3 if current_alias() == 'bolt' else None)"
    for aliases, expected in (("acme",), 0), (("bolt",), 3), (("acme", "bolt"), 1):
        done = manage("tenant_command", *aliases, "--", "shell", "-v0", "-c", code)
        assert done.returncode == expected
        assert "Traceback" not in done.stderr


def test_a_crash_is_a_line_and_with_traceback_it_is_a_traceback(acme: Any, bolt: Any, run: Any) -> None:
    errors = io.StringIO()
    for more, shown in ([], False), (["--traceback"], True):
        with pytest.raises(CommandError, match="Failed in 2 of 2"):
            call_command("tenant_command", "--all", *more, "--", "shell", "-v0", "-c", "1/0", stderr=errors)
        assert "acme: ZeroDivisionError: division by zero" in errors.getvalue()
        assert ("Traceback" in errors.getvalue()) is shown


def test_a_crash_in_the_only_tenant_names_it(acme: Any, run: Any) -> None:
    with pytest.raises(CommandError, match=r"^acme: ZeroDivisionError: division by zero \(--traceback shows where\)$"):
        run("tenant_command", "acme", "--", "shell", "-v0", "-c", "1/0")


def test_all_means_the_active_tenants(acme: Any, bolt: Any, capsys: pytest.CaptureFixture[str], run: Any) -> None:
    create_tenant("clay")
    suspend("bolt")
    code = "from multi_tenant import current_alias; print(current_alias())"
    run("tenant_command", "--all", "--", "shell", "-v0", "-c", code)
    assert capsys.readouterr().out == "acme\nclay\n"
    run("tenant_command", "--all", "--any-state", "--", "shell", "-v0", "-c", code)
    assert capsys.readouterr().out == "acme\nbolt\nclay\n"


def test_a_suspended_tenant_is_refused_before_anything_is_run(acme: Any, bolt: Any, run: Any) -> None:
    suspend("bolt")
    with pytest.raises(CommandError, match="Say --any-state") as failure:
        run("tenant_command", "acme", "bolt", "--", "flush", "--no-input")
    assert isinstance(failure.value.__cause__, TenantUnavailableError)
    run("tenant_command", "bolt", "--any-state", "--", "check")


def test_an_unknown_tenant_is_refused_before_anything_is_run(acme: Any, run: Any) -> None:
    add_user("acme", "ada")
    with pytest.raises(CommandError, match="There is no tenant 'nobody'") as failure:
        run("tenant_command", "acme", "nobody", "--", "flush", "--no-input")
    assert isinstance(failure.value.__cause__, UnknownTenantError)
    assert names_in("acme") == {"ada"}


def test_it_says_when_there_is_nobody_to_run_for(run: Any) -> None:
    assert run("tenant_command", "--all", "--", "check") == ("", "There are no such tenants, so nothing was run.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["acme", "migrate"], "behind two hyphens"),
        (["acme", "--"], "behind two hyphens"),
        (["--", "migrate"], "Name the tenants, or say --all"),
        (["acme", "--all", "--", "migrate"], "Name the tenants, or say --all"),
        (["acme", "--", "unheard-of"], "no command 'unheard-of'"),
        (["acme", "--", "migrate", "--unheard-of"], "unrecognized arguments: --unheard-of"),
        (["acme", "--", "migrate", "--database", "acme"], "invalid choice: 'acme'"),
    ],
)
def test_a_wrong_command_line_is_refused(run: Any, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("tenant_command", *arguments)


def test_options_of_the_command_are_not_mistaken_for_its_own(acme: Any, run: Any) -> None:
    output, _ = run("tenant_command", "acme", "-v0", "--", "showmigrations", "--plan", "-v2")
    assert "library.0001_initial" in output


def test_it_can_be_run_from_inside_a_tenant_and_leaves_the_place_as_it_was(acme: Any, bolt: Any, run: Any) -> None:
    with tenant_context("acme"):
        run("tenant_command", "bolt", "--", "flush", "--no-input")
        assert current_alias() == "acme"
    with public_context():
        assert current_alias() == "public"


def test_no_connection_to_a_tenant_is_left_open(acme: Any, bolt: Any, run: Any) -> None:
    run("tenant_command", "--all", "--", "showmigrations")
    assert not [one for one in connections.all(initialized_only=True) if isinstance(one, TenantConnection)]


def test_of_several_tenants_none_gets_standard_input_by_chance(acme: Any, bolt: Any) -> None:
    done = manage("tenant_command", "--all", "--", "shell", "-v0", given=COUNT_USERS)
    assert (done.stdout, done.returncode) == ("", 1)
    assert "Say --stdin" in done.stderr


@on_each_engine
def test_with_stdin_each_of_several_tenants_gets_a_copy(acme: Any, bolt: Any) -> None:
    add_user("acme", "ada")
    done = manage("tenant_command", "acme", "bolt", "--stdin", "--", "shell", "-v0", given=COUNT_USERS)
    assert (done.stdout, done.returncode) == ("users: 1\nusers: 0\n", 0)
    done = manage("tenant_command", "acme", "bolt", "--stdin", "--", "dbshell", given="DELETE FROM auth_user;")
    assert (done.returncode, names_in("acme")) == (0, set())


def test_dbshell_shows_no_password_to_other_users(postgres_entry: dict[str, Any]) -> None:
    create_tenant("acme", entry=postgres_entry)
    with start("tenant_command", "acme", "--", "dbshell") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\\echo it runs\n")
        process.stdin.flush()
        assert process.stdout.readline() == "it runs\n"
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        command_lines = [" ".join(member.cmdline()) for member in family]
        process.communicate("\\q\n", timeout=60)
    assert any("psql" in line for line in command_lines)
    assert postgres_entry["PASSWORD"] not in "".join(command_lines)


def test_ctrl_c_ends_the_run_and_tells_what_is_left(acme: Any, bolt: Any) -> None:
    create_tenant("clay")
    terminal, its_end = pty.openpty()
    try:
        os.write(terminal, b"no\n")  # the answer in acme; in bolt the question stands
        with start("tenant_command", "--all", "--", "flush", stdin=its_end) as process:
            assert process.stderr is not None
            assert [process.stderr.readline(), process.stderr.readline()] == ["acme:\n", "bolt:\n"]
            _, errors = interrupt(process)
    finally:
        os.close(terminal)
        os.close(its_end)
    assert process.returncode == 130
    assert errors == "CommandError: Interrupted. Not done: bolt, clay.\n"


def test_a_pipe_that_stays_empty_is_not_waited_for_and_whoever_reads_it_is_told(acme: Any, bolt: Any) -> None:
    with start("tenant_command", "--all", "--", "shell", "-v0") as process:
        assert process.stderr is not None
        errors = process.stderr.read()  # to its end, while standard input is open
    assert errors.count("Say --stdin to give each of them a copy") == 2
    with start("tenant_command", "--all", "--", "flush") as process:  # asks whether it is meant
        assert process.stderr is not None
        assert process.stderr.read().count("Say --stdin to give each of them a copy") == 2


def test_a_file_is_refused_and_dev_null_is_not(acme: Any, bolt: Any, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(COUNT_USERS)
    with script.open() as file, start("tenant_command", "--all", "--", "check", stdin=file) as process:
        assert "Say --stdin" in process.communicate(timeout=60)[1]
        assert process.returncode == 1
    with start("tenant_command", "--all", "--", "check", stdin=subprocess.DEVNULL) as process:
        assert process.communicate(timeout=60)[1] == "acme:\nbolt:\n"
        assert process.returncode == 0


def test_a_stream_in_memory_is_left_alone(
    acme: Any, bolt: Any, run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo\n"))
    run("tenant_command", "--all", "--", "shell", "-v0", "-c", "print(input())")
    assert capsys.readouterr().out == "one\ntwo\n"
