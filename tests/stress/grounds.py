"""The engines that a crowd works on: how tenants are made there, and what the server says is open."""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from multi_tenant.conf import conf
from multi_tenant.databases.base import Engine
from multi_tenant.lifecycle import create_tenant
from multi_tenant.lifecycle.placement import public_engine, server_engine
from multi_tenant.registry.models import AbstractTenant, DatabaseServer
from tests import servers

#: One for each process, so that its tests share their template.
PREFIX = f"crowd{os.getpid()}_"
#: What a server says of its sessions in our databases, and of those that are in a transaction; the one that asks is
#: in a database that is not ours.
SESSIONS = {
    "postgres": "SELECT datname, xact_start FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "mariadb": "SELECT db, trx_started FROM information_schema.processlist "
    "LEFT JOIN information_schema.innodb_trx ON trx_mysql_thread_id = id",
}
#: A machine that has other things to do lets eight who connect at once wait for longer than the ten seconds of a site.
CONNECT_SECONDS = 120
LOGIN = {
    "postgres": {"HOST": "host", "USER": "user", "PASSWORD": "password", "NAME": "dbname"},
    "mariadb": {"HOST": "host", "USER": "user", "PASSWORD": "password"},
}
DEFAULT_PORTS = {"postgres": 5432, "mariadb": 3306}


class Ground(ABC):
    """An engine, with a server of its own in the registry or the public one's."""

    @property
    def outlives_tests(self) -> bool:
        """Whether what was made here has to be dropped; to drop fifty databases takes as long as to fill them."""
        return False

    def make(self, alias: str) -> AbstractTenant:
        """Make a tenant here."""
        return create_tenant(alias, server=self.server())

    def server(self) -> DatabaseServer | None:
        """The server's row, made if it is not there."""
        return None

    def databases(self) -> Sequence[str]:
        """The databases that were made here."""
        return self.engine().names(PREFIX)

    def drop(self, *, alias: str = "") -> None:
        """Drop all that was made here, or what was made for tenants whose aliases begin so."""
        engine = self.engine()
        for name in engine.names(f"{PREFIX}{alias}"):
            engine.drop(name)
        for login in engine.logins(f"{PREFIX}{alias}"):
            engine.drop_login(login)

    def engine(self) -> Engine:
        server = self.server()
        return public_engine("cleaner") if server is None else server_engine(server, alias="cleaner")

    @abstractmethod
    def sessions(self) -> int:
        """How many connections to our databases are open."""

    @abstractmethod
    def transactions(self, aliases: Sequence[str]) -> int:
        """How many transactions are open in the databases of these tenants."""


class Files(Ground):
    """SQLite's files beside the public one. Sessions are open files, transactions are locks."""

    def sessions(self) -> int:
        mine = str(conf.SQLITE_DIR / PREFIX)
        return sum(file.path.startswith(mine) for file in psutil.Process().open_files())

    def transactions(self, aliases: Sequence[str]) -> int:
        names = [name for name in self.databases() if name.startswith(prefixes(aliases))]
        return sum(is_locked(conf.SQLITE_DIR / name) for name in names)


def is_locked(path: Path) -> bool:
    """Whether somebody reads or writes a file just now."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False


class Server(Ground):
    """One of the session's servers, as a server of the registry."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.entry = servers.database_entry(url) | {"OPTIONS": {"connect_timeout": CONNECT_SECONDS}}
        self.driver: Any = import_module(servers.DRIVERS[name])

    @property
    def outlives_tests(self) -> bool:
        return f"MULTI_TENANT_TEST_{self.name.upper()}" in os.environ

    def server(self) -> DatabaseServer:
        known: DatabaseServer | None = DatabaseServer.objects.filter(name=self.name).first()
        credentials: Any = self.entry
        return known or DatabaseServer.objects.create(name=self.name, credentials=credentials)

    def sessions(self) -> int:
        return len(self._look((PREFIX,)))

    def transactions(self, aliases: Sequence[str]) -> int:
        return sum(begun is not None for begun in self._look(prefixes(aliases)))

    def _look(self, wanted: tuple[str, ...]) -> list[Any]:
        """When the transactions began of sessions in these databases, None where there is none."""
        login = {word: self.entry[key] for key, word in LOGIN[self.name].items()}
        with closing(
            self.driver.connect(**login, port=int(self.entry["PORT"] or DEFAULT_PORTS[self.name]))
        ) as connection:
            cursor = connection.cursor()
            cursor.execute(SESSIONS[self.name])
            return [begun for name, begun in cursor.fetchall() if name is not None and name.startswith(wanted)]


def prefixes(aliases: Sequence[str]) -> tuple[str, ...]:
    """What the names of the databases of these tenants begin with."""
    return tuple(f"{PREFIX}{alias}_" for alias in aliases)


def ground_of(name: str) -> Ground:
    """The ground of that name; a test is skipped, or fails, where its server is missing."""
    return Files() if name == "sqlite" else Server(name, servers.require_server(name))
