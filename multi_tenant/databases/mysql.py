"""MySQL and MariaDB: databases have no templates and are migrated one by one; they are dumped by mariadb-dump."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import DatabaseError, InterfaceError

from multi_tenant.databases.grants import DATABASE, IN_USE, LONGEST_PATTERN, Grants, quoted
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.registry.entry import Entry

#: Seconds that one wait for a lock takes before it is asked for again, and times that a drop waits for sessions to end.
WAIT = 5
ATTEMPTS = 4
#: Seconds after which a server ends an idle session; the longest that it can be told.
NEVER_IDLE = 31536000
#: Limits of an entry that are meant for requests: making a database, or waiting for a turn, takes longer.
REQUEST_OPTIONS = frozenset({"read_timeout", "write_timeout"})
#: What MariaDB's programs are told for an entry's ``ssl_mode``; MySQL's have an option of that name, and not these.
TLS = {
    "DISABLED": ("--loose-skip-ssl",),
    "REQUIRED": ("--loose-ssl",),
    "VERIFY_CA": ("--loose-ssl", "--loose-ssl-verify-server-cert"),
    "VERIFY_IDENTITY": ("--loose-ssl", "--loose-ssl-verify-server-cert"),
}
#: A whole and consistent copy, with what migrations may have made beside tables; the rest is what MySQL's program says
#: by itself, which its login may not ask for or other servers do not understand.
DUMP = (
    "--single-transaction",
    "--quick",
    "--hex-blob",
    "--routines",
    "--triggers",
    "--events",
    "--no-tablespaces",
    "--loose-set-gtid-purged=OFF",
    "--loose-column-statistics=0",
)


class MySQL(Grants):
    """Databases of a MySQL or MariaDB server; others are made from none, so the entry's own NAME says nothing here."""

    longest_name = LONGEST_PATTERN - 8  # in a grant each underscore takes two
    archive_suffix = ".sql"
    client = "MariaDB's or MySQL's client programs"

    def __init__(self, entry: Entry, *, alias: str) -> None:
        options = {key: value for key, value in entry["OPTIONS"].items() if key not in REQUEST_OPTIONS}
        super().__init__(Entry({**entry, "NAME": "", "OPTIONS": options}), alias=alias)

    def names(self, prefix: str) -> Sequence[str]:
        rows = self._rows("SELECT schema_name FROM information_schema.schemata ORDER BY schema_name")
        return [name for (name,) in rows if name.startswith(prefix)]

    def exists(self, name: str) -> bool:
        # The comparison takes capitals for small letters, which only some servers do with the names of databases.
        query = "SELECT schema_name, @@lower_case_table_names FROM information_schema.schemata WHERE schema_name = %s"
        return any(found == name or folded for found, folded in self._rows(query, name))

    def create(self, name: str, *, private: bool = False) -> None:
        self._run(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4")

    def drop(self, name: str) -> None:
        with self._connection():
            self._run(f"SET SESSION lock_wait_timeout = {WAIT}")
            for _ in range(ATTEMPTS):
                self._end_sessions(DATABASE, name)
                if self._run(f"DROP DATABASE IF EXISTS {quoted(name)}", forgiven={IN_USE}):
                    return
        raise ProvisioningError(
            f"The database of {self.alias!r} is in use by sessions that its server's login may not end. End them, or "
            "give the login the right to (PROCESS and CONNECTION ADMIN).",
            step="database",
        )

    def check_dump(self) -> None:
        self._program("mariadb-dump", "mysqldump")

    def dump(self, name: str, path: Path) -> None:
        program = self._program("mariadb-dump", "mysqldump")
        arguments = [*self._arguments(), *DUMP, "--", name]
        self._call(program, *arguments, environment=self._environment(), output=path)

    def restore(self, path: Path, name: str) -> None:
        # In binary mode a file cannot run programs of this machine, as `\!` does otherwise.
        program = self._program("mariadb", "mysql")
        arguments = [*self._arguments(), "--binary-mode", f"--database={name}"]
        self._call(program, *arguments, environment=self._environment(), source=path)

    def size(self, name: str) -> int:
        query = (
            "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = %s"
        )
        [(size,)] = self._rows(query, name)
        return int(size)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """A lock of the whole server; it goes with its session."""
        name = hashlib.sha256(key.encode()).hexdigest()[:32]  # a longer one than 64 is refused
        with self._connection():
            # A server that ends idle sessions would take the lock away from long work.
            self._run(f"SET SESSION wait_timeout = {NEVER_IDLE}")
            while self._rows("SELECT GET_LOCK(%s, %s)", name, WAIT) != [(1,)]:
                pass
            try:
                yield
            finally:
                # An outer call may hold the connection, and live on; a lost one has lost the lock already.
                with suppress(DatabaseError, InterfaceError):
                    self._rows("SELECT RELEASE_LOCK(%s)", name)

    def _arguments(self) -> Sequence[str]:
        """Where the server is and who asks. No file adds to it: one may hold another password, and outdoes ours."""
        door = "--socket" if str(self.entry["HOST"]).startswith("/") else "--host"
        places = {door: "HOST", "--port": "PORT", "--user": "USER"}
        given = [f"{option}={self.entry[key]}" for option, key in places.items() if self.entry.get(key)]
        mode = self.entry["OPTIONS"].get("ssl_mode")
        tls = (f"--loose-ssl-mode={mode}", *TLS.get(str(mode), ())) if mode else ()
        return ["--no-defaults", *given, *tls, "--default-character-set=utf8mb4"]

    def _environment(self) -> Entry:
        """The child's environment, which other users cannot read, as they can its arguments."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MYSQL", "MARIADB"))}
        return Entry({**inherited, "MYSQL_PWD": self.entry["PASSWORD"]})
