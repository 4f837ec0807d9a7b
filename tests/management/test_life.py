"""suspend_tenant, resume_tenant and delete_tenant."""

from __future__ import annotations

import json
import os
import pty
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError

from multi_tenant import TenantUnavailableError, tenant_context
from multi_tenant.fleet.selection import FleetTenant
from multi_tenant.lifecycle import suspend
from multi_tenant.management.commands.delete_tenant import loss_of
from multi_tenant.registry.models import Tenant, TenantState
from tests.management.processes import manage, start


def state_of(alias: str) -> str:
    return str(Tenant.objects.get(alias=alias).state)


def archives(directory: Any) -> list[Path]:
    return [path for path in Path(directory).glob("*") if not path.name.startswith(".")]


def answer(text: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal on which somebody types; gives its exit code and what it said."""
    terminal, its_end = pty.openpty()
    try:
        os.write(terminal, text.encode())
        with start(*arguments, stdin=its_end) as process:
            output, errors = process.communicate(timeout=120)
        return process.returncode, output + errors
    finally:
        os.close(terminal)
        os.close(its_end)


def test_a_suspended_tenant_is_not_served_until_it_is_resumed(acme: Any, run: Any) -> None:
    assert run("suspend_tenant", "acme")[0] == "Tenant acme is suspended.\n"
    with pytest.raises(TenantUnavailableError):
        tenant_context("acme").__enter__()
    assert json.loads(run("resume_tenant", "acme", "--json")[0])["state"] == "active"
    with tenant_context("acme"):
        pass


def test_a_tenant_that_lacks_migrations_is_not_resumed(acme: Any, run: Any) -> None:
    run("tenant_command", "acme", "--", "migrate", "library", "zero")
    suspend("acme")
    with pytest.raises(CommandError, match="migrate_tenants"):
        run("resume_tenant", "acme")
    run("migrate_tenants", "acme")
    run("resume_tenant", "acme")
    assert state_of("acme") == "active"


@pytest.mark.parametrize("command", ["suspend_tenant", "resume_tenant", "delete_tenant"])
def test_an_unknown_tenant_is_refused(run: Any, command: str) -> None:
    with pytest.raises(CommandError, match="There is no tenant 'nobody'"):
        run(command, "nobody")


def test_an_error_is_a_line_and_an_exit_code(registry: None) -> None:
    done = manage("suspend_tenant", "nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: There is no tenant 'nobody'.")
    assert len(done.stderr.splitlines()) == 1


def test_a_deleted_tenant_leaves_an_archive_and_its_row(acme: Any, run: Any, settings: Any, tmp_path: Path) -> None:
    settings.MULTI_TENANT = {**settings.MULTI_TENANT, "ARCHIVE_DIR": tmp_path}
    output, _ = run("delete_tenant", "acme", "--force", "--no-input")
    assert output == "Tenant acme is deleted.\n"
    assert state_of("acme") == "deleted"
    assert len(archives(tmp_path)) == 1


def test_without_archive_no_copy_is_kept(acme: Any, run: Any, settings: Any, tmp_path: Path) -> None:
    settings.MULTI_TENANT = {**settings.MULTI_TENANT, "ARCHIVE_DIR": tmp_path}
    run("delete_tenant", "acme", "--force", "--no-input", "--no-archive")
    assert archives(tmp_path) == []


def test_an_active_tenant_is_deleted_by_force_alone(acme: Any, run: Any) -> None:
    with pytest.raises(CommandError, match="Suspend it first, or force"):
        run("delete_tenant", "acme", "--no-input", "--no-archive")
    assert state_of("acme") == "active"
    suspend("acme")
    run("delete_tenant", "acme", "--no-input", "--no-archive")
    assert state_of("acme") == "deleted"


def test_purging_frees_the_alias_also_later(acme: Any, run: Any) -> None:
    run("delete_tenant", "acme", "--force", "--no-input", "--no-archive")
    run("delete_tenant", "acme")  # nothing is left to ask about
    output, _ = run("delete_tenant", "acme", "--no-input", "--purge")
    assert output == "Tenant acme is deleted.\nIts row is removed; the alias is free.\n"
    assert not Tenant.objects.exists()
    run("create_tenant", "acme")
    document = json.loads(run("delete_tenant", "acme", "--force", "--no-input", "--no-archive", "--purge", "--json")[0])
    assert (document["alias"], document["state"]) == ("acme", "deleted")
    assert not Tenant.objects.exists()


def test_where_nobody_can_be_asked_nothing_is_deleted(acme: Any) -> None:
    done = manage("delete_tenant", "acme", "--force", given="acme\n")
    assert done.returncode == 1
    assert "Say --no-input" in done.stderr
    assert state_of("acme") == "active"


def test_the_alias_must_be_typed(acme: Any) -> None:
    code, said = answer("y\n", "delete_tenant", "acme", "--force", "--no-archive")
    assert (code, state_of("acme")) == (1, "active")
    assert "NO copy is kept" in said
    code, _ = answer("\x04", "delete_tenant", "acme", "--force", "--no-archive")  # Ctrl-D
    assert (code, state_of("acme")) == (130, "active")
    code, _ = answer("acme\n", "delete_tenant", "acme", "--force", "--no-archive")
    assert (code, state_of("acme")) == (0, "deleted")


def test_the_question_says_what_will_be_lost() -> None:
    whole = FleetTenant("acme", uuid4(), "active", "")
    options = {"archive": True, "purge": True}
    said = loss_of(whole, options)
    assert said.startswith("The database of tenant acme will be dropped; a copy is archived. Its row will be removed")
    gone = replace(whole, state=TenantState.DELETED)
    assert loss_of(gone, options) == "Its row will be removed, and acme is free for another tenant."
    assert loss_of(gone, {"archive": True, "purge": False}) == ""
    assert "NO copy is kept" in loss_of(whole, {"archive": False, "purge": False})
