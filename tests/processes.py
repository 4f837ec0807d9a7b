"""Processes that tests start: real ones, on the test's own public database."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from django.db import connections

from multi_tenant.registry.aliases import PUBLIC

ROOT = Path(__file__).parents[1]


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that shares the test's databases, with more variables."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "MULTI_TENANT_TEST_DATABASE": str(connections[PUBLIC].settings_dict["NAME"]),
        **more,
    }


def raw_public_database() -> bytes:
    """The public database's bytes: its file, or all that pg_dump gives."""
    connection = connections[PUBLIC]
    entry = connection.settings_dict
    if connection.vendor == "sqlite":
        return Path(entry["NAME"]).read_bytes()
    login = {"PGHOST": entry["HOST"], "PGPORT": entry["PORT"], "PGUSER": entry["USER"], "PGPASSWORD": entry["PASSWORD"]}
    command = ["pg_dump", "--inserts", entry["NAME"]]
    return subprocess.run(command, env={**os.environ, **login}, capture_output=True, check=True).stdout
