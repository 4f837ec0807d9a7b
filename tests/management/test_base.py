from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError

from multi_tenant import current_alias
from multi_tenant.exceptions import MultiTenantError
from multi_tenant.management.base import RegistryCommand
from tests.management.processes import manage


class Command(RegistryCommand):
    """Raises what it is told to, or answers where it runs."""

    error: BaseException | None = None

    def handle(self, *args: Any, **options: Any) -> str:
        if self.error is not None:
            raise self.error
        return str(current_alias())


def execute(error: BaseException | None = None) -> str | None:
    command = Command()
    command.error = error
    return command.execute(force_color=False, no_color=True, skip_checks=True)


def test_commands_run_on_the_public_database(in_tenant: Any) -> None:
    assert execute() == "public"
    assert current_alias() == in_tenant.alias


def test_an_error_of_ours_is_a_message() -> None:
    cause = MultiTenantError("It cannot be done. Do this.")
    with pytest.raises(CommandError, match=r"^It cannot be done\. Do this\.$") as failure:
        execute(cause)
    assert failure.value.__cause__ is cause


def test_ctrl_c_is_a_message_and_an_exit_code_of_its_own() -> None:
    with pytest.raises(CommandError, match="Interrupted") as failure:
        execute(KeyboardInterrupt())
    assert failure.value.returncode == 130


@pytest.mark.django_db
def test_errors_of_others_are_not_hidden() -> None:
    with pytest.raises(ValueError, match="a bug"):
        execute(ValueError("a bug"))
    with pytest.raises(DatabaseError, match="a query of theirs"):
        execute(DatabaseError("a query of theirs"))


def test_before_the_first_migrate_they_say_what_to_do(registry: None, tmp_path: Path) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "new.sqlite3")}
    done = manage("create_tenant", "acme", changes={"MULTI_TENANT_TEST_PUBLIC_ENTRY": json.dumps(database)})
    assert done.returncode == 1
    assert done.stderr == "CommandError: The public database has no registry yet. Run `manage.py migrate` first.\n"
