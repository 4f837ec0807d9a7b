"""PostgreSQL: databases are made from the entry's NAME as maintenance database, dumped by pg_dump."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from django.db import DatabaseError, InterfaceError
from psycopg import sql

from multi_tenant.databases.roles import Roles, state_of
from multi_tenant.exceptions import DatabaseExistsError, ProvisioningError
from multi_tenant.registry.entry import Entry

#: SQLSTATEs: the name is taken; another session took it just now; the login may not; somebody is connected.
EXISTS = frozenset({"42P04", "23505"})
FORBIDDEN = "42501"
IN_USE = "55006"
#: The first version whose CREATE DATABASE has STRATEGY; WAL_LOG, its default, is named since FILE_COPY checkpoints.
STRATEGY_VERSION = 150000
#: libpq's environment for what an entry says; nothing goes on a command line, which every user can read.
ENVIRONMENT = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
OPTIONS_ENVIRONMENT = {
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "gssencmode": "PGGSSENCMODE",
    "options": "PGOPTIONS",
    "passfile": "PGPASSFILE",
    "require_auth": "PGREQUIREAUTH",
    "service": "PGSERVICE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslmode": "PGSSLMODE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslrootcert": "PGSSLROOTCERT",
}


class PostgreSQL(Roles):
    """Databases of a PostgreSQL server."""

    longest_name = 63
    has_templates = True
    archive_suffix = ".dump"
    client = "PostgreSQL's client programs"

    def names(self, prefix: str) -> Sequence[str]:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname"
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(query, [prefix])
            return [row[0] for row in cursor.fetchall()]

    def exists(self, name: str) -> bool:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return cursor.fetchone() is not None

    def create(self, name: str, *, private: bool = False) -> None:
        self._make("CREATE DATABASE {}", name, private=private)

    def clone(self, template: str, name: str, *, private: bool = False) -> None:
        with self._connection() as connection:
            strategy = " STRATEGY WAL_LOG" if connection.pg_version >= STRATEGY_VERSION else ""
            self._make("CREATE DATABASE {} TEMPLATE {}" + strategy, name, template, private=private)

    def publish(self, draft: str, name: str) -> None:
        # Not IS_TEMPLATE: any login that may create databases could then copy it.
        self._run("ALTER DATABASE {} ALLOW_CONNECTIONS false", draft)
        self._run("ALTER DATABASE {} RENAME TO {}", draft, name)

    def drop(self, name: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def drop_template(self, name: str) -> bool:
        try:
            self._run("DROP DATABASE IF EXISTS {}", name)
        except ProvisioningError:  # another login's
            return False
        except DatabaseError as exc:
            if state_of(exc) != IN_USE:
                raise
            return False
        return True

    def check_dump(self) -> None:
        self._program("pg_dump")

    def dump(self, name: str, path: Path) -> None:
        command = (self._program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges")
        self._call(*command, environment=self._environment(name), output=path)

    def restore(self, path: Path, name: str) -> None:
        # pg_restore reads the database's name from its arguments alone; an empty one says "as the environment has it".
        command = (self._program("pg_restore"), "--exit-on-error", "--no-owner", "--dbname=", str(path))
        self._call(*command, environment=self._environment(name))

    def size(self, name: str) -> int:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(%s::name)", [name])
            return int(cursor.fetchone()[0])

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """An advisory lock of the maintenance database; it goes with its session."""
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
        with self._connection() as connection:
            with connection.cursor() as cursor:
                # A server that ends idle sessions would take the lock away from long work.
                cursor.execute("SELECT set_config('idle_session_timeout', '0', false), pg_advisory_lock(%s)", [number])
            try:
                yield
            finally:
                # An outer call may hold the connection, and live on; a lost one has lost the lock already.
                with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [number])

    def _make(self, statement: str, name: str, *template: str, private: bool) -> None:
        """Make a database; nobody is in a private one before everybody else is shut out, as who is in stays in."""
        with self._connection():
            self._run(statement + (" ALLOW_CONNECTIONS false" if private else ""), name, *template)
            if private:
                shut_out = "REVOKE ALL ON DATABASE {} FROM PUBLIC; ALTER DATABASE {} ALLOW_CONNECTIONS true"
                self._run(shut_out, name, name)

    def _run(self, statement: str, *names: str) -> None:
        with self._connection() as connection:
            connection.ensure_connection()
            identifiers = [sql.Identifier(name) for name in names]
            text = sql.SQL(statement).format(*identifiers).as_string(connection.connection)
            try:
                with connection.cursor() as cursor:
                    cursor.execute(text)
            except DatabaseError as exc:
                self._refuse(exc)

    def _refuse(self, exc: DatabaseError) -> NoReturn:
        if state_of(exc) in EXISTS:
            raise DatabaseExistsError from None
        if state_of(exc) == FORBIDDEN:
            raise ProvisioningError(
                f"The login may not do this for {self.alias!r} on its server. Give it CREATEDB and the ownership "
                "of its databases; or let somebody else make the database, and adopt it.",
                step="database",
            ) from exc
        raise exc

    def _environment(self, name: str) -> Entry:
        """The child's environment, which other users cannot read."""
        given = {ENVIRONMENT[key]: self.entry[key] for key in ENVIRONMENT if self.entry.get(key)}
        options: Mapping[str, Any] = self.entry["OPTIONS"]
        chosen = {OPTIONS_ENVIRONMENT[key]: options[key] for key in OPTIONS_ENVIRONMENT if key in options}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        said = {key: str(value) for key, value in {**chosen, **given}.items()}
        return Entry({**inherited, **said, "PGDATABASE": name})
