"""No Django at all: what a new database costs when it is cloned by hand."""

from __future__ import annotations

import psycopg
from psycopg import sql

from benchmarks.project.configuration import Configuration


class Raw:
    """Clones our template with psycopg alone."""

    def __init__(self) -> None:
        self.configuration = Configuration.from_environment()
        self.template = self.configuration.databases[0]

    def prepare_creation(self) -> None:
        """There is nothing to prepare."""

    def first_answer(self, alias: str) -> int:
        """Log in to the server, clone, log in to the clone, ask a question of a table."""
        name = f"{self.configuration.database}_{alias}"
        names = sql.Identifier(name), sql.Identifier(self.template)
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG").format(*names)
        with psycopg.connect(self.configuration.url, autocommit=True) as server:
            server.execute(clone)
        with psycopg.connect(self.configuration.url, dbname=name) as database:
            [answer] = database.execute("SELECT count(*) FROM shop_customer").fetchall()
        return int(answer[0])
