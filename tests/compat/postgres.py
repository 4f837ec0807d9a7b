"""The PostgreSQL of the tests, for runs that work side by side; used by the compat command."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.compat.engines import ALIAS, environment
from tests.servers import database_entry, provide


class PostgreSQL:
    """Databases of one server, each run's with a prefix of its own."""

    def __init__(self) -> None:
        self.url = provide("postgres")
        with psycopg.connect(self.url) as connection:
            version = connection.info.server_version
        self.title = f"postgres{version // 10000}.{version % 10000}"

    @contextmanager
    def databases(self, directory: Path) -> Iterator[dict[str, str]]:
        prefix = f"compat_{secrets.token_hex(4)}"
        try:
            yield environment(database_entry(self.url, name=f"{prefix}_{ALIAS}"), tenant=f"{prefix}_tenant_{ALIAS}")
        finally:
            self._drop(prefix)

    def _drop(self, prefix: str) -> None:
        """Remove the tenant's database, which no run removes itself, and all others where it was stopped."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            query = "SELECT datname FROM pg_database WHERE strpos(datname, %s) > 0"
            for (name,) in connection.execute(query, [prefix]).fetchall():
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
