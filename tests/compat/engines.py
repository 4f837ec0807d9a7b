"""Where the databases of one run are: what an engine answers, and SQLite; used by the compat command."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

#: What stands for an alias in the entry and the name that the settings of a run read.
ALIAS = "{alias}"


class Engine(Protocol):
    """What a run asks of an engine."""

    @property
    def title(self) -> str:
        """The name and the version, for people and for names of files."""

    def databases(self, directory: Path) -> AbstractContextManager[dict[str, str]]:
        """Give the environment that tells the settings where this run's databases are; they are gone afterwards."""


class SQLite:
    """Files in the directory of the run, which is removed with it."""

    title = f"sqlite{sqlite3.sqlite_version}"

    @contextmanager
    def databases(self, directory: Path) -> Iterator[dict[str, str]]:
        # A tenant's database is a file, so those of the plain run are files too: the two differ in the tenant alone.
        entry = {"ENGINE": "django.db.backends.sqlite3", "TEST": {"NAME": f"{directory}/{ALIAS}.sqlite3"}}
        yield environment(entry, tenant=f"{directory}/{ALIAS}-tenant.sqlite3")


def environment(entry: Mapping[str, Any], *, tenant: str) -> dict[str, str]:
    """What the settings of a run read: the entry of a static alias, and the name of a tenant's database."""
    return {"COMPAT_ENTRY": json.dumps(entry), "COMPAT_TENANT": tenant}
