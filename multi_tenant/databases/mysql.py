"""MySQL and MariaDB: databases have no templates and are migrated one by one; they are dumped by mariadb-dump."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence, Set
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from django.db import DatabaseError, InterfaceError

from multi_tenant.databases.server import ServerEngine
from multi_tenant.exceptions import DatabaseExistsError, ProvisioningError
from multi_tenant.registry.entry import Entry

#: The server's numbers for: the name is taken; the login may not; another session holds a table; there is no such
#: session; it is another login's.
EXISTS = 1007
FORBIDDEN = frozenset({1044, 1045, 1142, 1227, 1370, 1410})
IN_USE = 1205
GONE = 1094
ANOTHERS = 1095
#: Columns of SHOW PROCESSLIST.
ID, USER, DATABASE, COMMAND, TIME = 0, 1, 3, 4, 5
#: What a session does that waits for its client.
SLEEPING = "Sleep"
#: Where tenants' logins may come from: the server's firewall is the place to say less.
ANYWHERE = "%"
#: What a tenant's login may do: work with rows. A database's privileges are for all its tables, also the marker's.
ROWS = "SELECT, INSERT, UPDATE, DELETE, EXECUTE"
#: Seconds that one wait for a lock takes before it is asked for again, and times that a drop waits for sessions to end.
WAIT = 5
ATTEMPTS = 4
#: Seconds after which a server ends an idle session; the longest that it can be told.
NEVER_IDLE = 31536000
#: Limits of an entry that are meant for requests: making a database, or waiting for a turn, takes longer.
REQUEST_OPTIONS = frozenset({"read_timeout", "write_timeout"})
#: What programs are told for an entry's ``ssl_mode``. MySQL's know the first, MariaDB's the others, none knows both.
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


class MySQL(ServerEngine):
    """Databases of a MySQL or MariaDB server; others are made from none, so the entry's own NAME says nothing here."""

    longest_name = 63  # of 64, as an entry may have no more than PostgreSQL's
    has_logins = True
    longest_login = 32
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

    def create_login(self, login: str, password: str, *, name: str) -> None:
        with self._connection() as connection:
            connection.ensure_connection()
            how, what = identification(password, is_mariadb=connection.mysql_is_mariadb)
            for do in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
                self._run_unlogged(f"{do} %s@%s {how}", login, ANYWHERE, what)
            database = self._pattern(name).replace("%", "%%")
            self._run(f"GRANT {ROWS} ON {database}.* TO %s@%s", login, ANYWHERE)

    def drop_login(self, login: str) -> None:
        with self._connection():
            self._run("DROP USER IF EXISTS %s@%s", login, ANYWHERE)
            self._end_sessions(USER, login)

    def is_login_busy(self, login: str, *, silent_for: float) -> bool:
        sessions = [row for row in self._rows("SHOW PROCESSLIST") if row[USER] == login]
        if any(row[COMMAND] != SLEEPING or row[TIME] < silent_for for row in sessions):
            return True
        if not sessions:
            return False
        # Who sees another login's sessions sees their transactions as well.
        transactions = self._rows("SELECT trx_mysql_thread_id FROM information_schema.innodb_trx")
        return not {row[ID] for row in sessions}.isdisjoint(thread for (thread,) in transactions)

    def logins(self, prefix: str) -> Sequence[str]:
        rows = self._rows("SELECT user FROM mysql.user WHERE host = %s ORDER BY user", ANYWHERE)
        return [login for (login,) in rows if login.startswith(prefix)]

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

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._connection() as connection, connection.cursor() as cursor:
            try:
                cursor.execute(query, values or None)
            except DatabaseError as exc:
                self._refuse(exc)
            return list(cursor.fetchall())

    def _run(self, statement: str, *values: str, forgiven: Set[int] = frozenset()) -> bool:
        """Run a statement; answers whether it was done, where an error of a forgiven number says that it was not."""
        with self._connection() as connection, connection.cursor() as cursor:
            try:
                cursor.execute(statement, values or None)
            except DatabaseError as exc:
                if number_of(exc) in forgiven:
                    return False
                self._refuse(exc)
        return True

    def _run_unlogged(self, statement: str, *values: str) -> None:
        """Run a statement below Django's cursors, which note what they are given."""
        with self._connection() as connection:
            try:
                with connection.wrap_database_errors, closing(connection.connection.cursor()) as cursor:
                    cursor.execute(statement, values)
            except DatabaseError as exc:
                self._refuse(exc)

    def _refuse(self, exc: DatabaseError) -> NoReturn:
        number = number_of(exc)
        if number == EXISTS:
            raise DatabaseExistsError from None
        if number in FORBIDDEN:
            raise ProvisioningError(
                f"The login may not do this for {self.alias!r} on its server. Grant it ALL on its databases, and "
                "CREATE USER where tenants have logins of their own; or let somebody else make the database, and "
                "adopt it.",
                step="database",
            ) from exc
        raise exc

    def _end_sessions(self, column: int, value: str) -> None:
        """End the sessions of a login, or those in a database, as far as the entry's login may."""
        with self._connection() as connection:
            for row in self._rows("SHOW PROCESSLIST"):
                if row[column] == value and row[ID] != connection.connection.thread_id():
                    self._run(f"KILL {int(row[ID])}", forgiven={GONE, ANOTHERS})

    def _pattern(self, name: str) -> str:
        """A database's name as GRANT reads it: with wildcards, unless the server takes rights away one by one."""
        literal = self._rows("SHOW VARIABLES LIKE 'partial_revokes'") == [("partial_revokes", "ON")]
        return quoted(name if literal else re.sub(r"([_%\\])", r"\\\1", name))

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


def identification(password: str, *, is_mariadb: bool) -> tuple[str, str]:
    """How a login proves itself, as SQL and its value. MariaDB takes a verifier, and no log of its holds the password.

    MySQL, whose logs leave passwords out, has no verifier that is simple to make.
    """
    if not is_mariadb:
        return "IDENTIFIED BY %s", password
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    digest = hashlib.sha1(inner, usedforsecurity=False).hexdigest()  # what mysql_native_password stores
    return "IDENTIFIED BY PASSWORD %s", f"*{digest.upper()}"


def quoted(name: str) -> str:
    """A name as SQL has it; neither Django nor the driver quotes one that holds the quote itself."""
    return "`" + name.replace("`", "``") + "`"


def number_of(exc: BaseException) -> int | None:
    """The server's number of a driver's error that Django wrapped."""
    arguments = getattr(exc.__cause__, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None
