"""Processes that tests start: real ones, on the test's own public database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

from django.db import connections

from multi_tenant.conf import conf
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


class Watcher:
    """A running tests/promises/watcher.py: another process that uses a tenant again and again."""

    def __init__(self, alias: str, way: str, *, ttl: float) -> None:
        changes = {"REGISTRY_TTL": ttl, "SQLITE_DIR": str(conf.SQLITE_DIR), "ENTRY_HOSTS": sorted(conf.ENTRY_HOSTS)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.promises.watcher", alias, way],
            env=environment(WATCHER_SETTINGS=json.dumps(changes)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.communicate()

    def says(self, wanted: str, *, within: float) -> bool:
        """Whether it prints a line that begins with ``wanted`` in so many seconds."""
        assert self.process.stdout is not None
        deadline = monotonic() + within
        while monotonic() < deadline:
            line = self.process.stdout.readline()
            assert line, "The watcher ended."
            if line.startswith(wanted):
                return True
        return False
