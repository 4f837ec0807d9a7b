"""The roles of a PostgreSQL server that tenants are served with; the part of its engine that makes and drops them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NoReturn

from django.db import DatabaseError
from psycopg import sql

from multi_tenant.conf import conf
from multi_tenant.databases.server import ServerEngine
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing.marker import TABLE, create_marker_table
from multi_tenant.routing.wrapper import tenant_connection

#: SQLSTATEs: the role is there; another session made it just now; there is none; the login may not; it owns something.
EXISTS = frozenset({"42710", "23505"})
MISSING = "42704"
FORBIDDEN = "42501"
OWNER = "2BP01"
#: Milliseconds to wait for a session that is told to end.
END_TIMEOUT = 5_000
#: The first version in which a member of a role has its rights only where that is said.
INHERIT_VERSION = 160000

#: What lets a login, and nobody else, into a database.
GATE = """
REVOKE ALL ON DATABASE {name} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {login};
ALTER DATABASE {name} ALLOW_CONNECTIONS true
"""
#: One message each: the server does all of it or nothing. A verifier stands in the place of the password.
CREATE = f"""
CREATE ROLE {{login}} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {{verifier}} IN ROLE {{group}};
{GATE}
"""
RENEW = f"""
ALTER ROLE {{login}} LOGIN INHERIT PASSWORD {{verifier}};
GRANT {{group}} TO {{login}};
{GATE}
"""
#: Rows and no more: TRUNCATE is for those who empty tables, UPDATE of sequences for fixtures.
ON_TABLES = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE"
ON_SEQUENCES = "USAGE, SELECT, UPDATE"
OPEN = f"""
REVOKE CREATE ON SCHEMA {{schema}} FROM PUBLIC;
GRANT USAGE ON SCHEMA {{schema}} TO {{group}};
ALTER DEFAULT PRIVILEGES IN SCHEMA {{schema}} GRANT {ON_TABLES} ON TABLES TO {{group}};
ALTER DEFAULT PRIVILEGES IN SCHEMA {{schema}} GRANT {ON_SEQUENCES} ON SEQUENCES TO {{group}}
"""
OPEN_TABLES = f"GRANT {ON_TABLES} ON {{things}} TO {{group}}"
OPEN_SEQUENCES = f"GRANT {ON_SEQUENCES} ON SEQUENCE {{things}} TO {{group}}"
CLOSE_MARKER = "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {group}"
#: What an extension brought is its owner's, who has given it what rights it needs.
RELATIONS = """
SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = ANY(%s) AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
)
"""
#: The databases that a role has rights on, by way of an index.
GRANTED = """
SELECT datname FROM pg_shdepend JOIN pg_database ON pg_database.oid = objid
WHERE classid = 'pg_database'::regclass AND refclassid = 'pg_authid'::regclass AND refobjid = %s::regrole
"""
SHUT_OUT = "REVOKE ALL ON DATABASE {name} FROM {login}"
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usename = %s"
#: An iteration that pauses between its rows is idle, too, so what was used a moment ago counts.
BUSY = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE usename = %s
    AND (state IS DISTINCT FROM 'idle' OR state_change > clock_timestamp() - make_interval(secs => %s))
)
"""


class Roles(ServerEngine):
    """Logins of tenants: each is let into one database, and a group that all belong to has the rights on rows.

    The group is the owner's: of two logins that make databases on one server, neither may give away the other's group.
    """

    has_logins = True
    longest_login = 63

    @property
    def group(self) -> str:
        """The name of the role that has the rights on rows."""
        owner = [conf.DATABASE_PREFIX, self.entry["USER"], self.entry["OPTIONS"].get("assume_role")]
        # A longer name would be cut by the server, and be another deployment's as well.
        start = f"{conf.DATABASE_PREFIX}rows".encode()[:54].decode(errors="ignore")
        return f"{start}_{hashlib.sha256(json.dumps(owner).encode()).hexdigest()[:8]}"

    def open_rows(self, name: str) -> None:
        with self._connection() as connection:
            self._make_group(connection)
        record = TenantRecord(self.alias, None, "", "", self.entry_for(name), marked=False)
        with closing(tenant_connection(record)) as inside, inside.cursor() as cursor:
            # Together with the marker's table, which says that a database is whole.
            inside.set_autocommit(False)
            create_marker_table(inside)
            cursor.execute("SELECT unnest(current_schemas(false))")
            try:
                for (schema,) in cursor.fetchall():
                    self._open_schema(cursor, schema)
                self._execute(cursor, CLOSE_MARKER, table=sql.Identifier(TABLE))
            except DatabaseError as exc:
                self._refuse_role(exc)
            inside.commit()

    def create_login(self, login: str, password: str, *, name: str) -> None:
        parts = {"login": sql.Identifier(login), "name": sql.Identifier(name)}
        with self._connection() as connection, connection.cursor() as cursor:
            # The parameter is a text of ours, whose `repr` hides it; none of its bytes stays in a frame.
            encrypt = connection.connection.pgconn.encrypt_password
            verifier = sql.Literal(encrypt(password.encode(), login.encode(), b"scram-sha-256").decode())
            found = self._attempt(cursor, CREATE, **parts, verifier=verifier)
            if found == MISSING:
                self._make_group(connection)
                found = self._attempt(cursor, CREATE, **parts, verifier=verifier)
            if found is not None:
                self._attempt(cursor, RENEW, **parts, verifier=verifier)

    def drop_login(self, login: str) -> None:
        role = sql.Identifier(login)
        with self._connection() as connection, connection.cursor() as cursor:
            if self._attempt(cursor, "ALTER ROLE {login} NOLOGIN", login=role) == MISSING:
                return
            self._end_sessions(cursor, login)
            cursor.execute(GRANTED, [quoted(login)])
            for (name,) in cursor.fetchall():
                self._execute(
                    cursor, "REVOKE ALL ON DATABASE {name} FROM {login}", name=sql.Identifier(name), login=role
                )
            try:
                self._execute(cursor, "DROP ROLE IF EXISTS {login}", login=role)
            except DatabaseError as exc:
                if state_of(exc) != OWNER:
                    self._refuse_role(exc)
                raise ProvisioningError(
                    f"A login of {self.alias!r} owns something, such as large objects, and was only locked. Give that "
                    "to another role with REASSIGN OWNED, and try again.",
                    step="login",
                ) from exc

    def is_login_busy(self, login: str, *, silent_for: float) -> bool:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(SESSIONS, [login])
            if not cursor.fetchall():
                return False
            self._join(cursor, login)
            cursor.execute(BUSY, [login, silent_for])
            [[busy]] = cursor.fetchall()
        return bool(busy)

    def logins(self, prefix: str) -> Sequence[str]:
        query = "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s) ORDER BY rolname"
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(query, [prefix])
            return [row[0] for row in cursor.fetchall()]

    def _make_group(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            self._attempt(cursor, "CREATE ROLE {group} NOLOGIN")

    def _open_schema(self, cursor: Any, schema: str) -> None:
        self._execute(cursor, OPEN, schema=sql.Identifier(schema))
        for statement, kinds in ((OPEN_TABLES, "rpvmf"), (OPEN_SEQUENCES, "S")):
            cursor.execute(RELATIONS, [quoted(schema), list(kinds)])
            things = [sql.Identifier(schema, name) for (name,) in cursor.fetchall()]
            if things:
                self._execute(cursor, statement, things=sql.SQL(", ").join(things))

    def _end_sessions(self, cursor: Any, login: str) -> None:
        cursor.execute(SESSIONS, [login])
        pids = [pid for (pid,) in cursor.fetchall()]
        if pids:
            self._join(cursor, login)
            cursor.execute("SELECT pg_terminate_backend(pid, %s) FROM unnest(%s) AS pid", [END_TIMEOUT, pids])

    def _join(self, cursor: Any, login: str) -> None:
        """Become a member of a login that is to go: only then may a plain owner look at its sessions, and end them."""
        said = " WITH INHERIT TRUE" if cursor.db.pg_version >= INHERIT_VERSION else ""
        self._attempt(cursor, "GRANT {login} TO CURRENT_USER" + said, login=sql.Identifier(login))

    def _attempt(self, cursor: Any, statement: str, **parts: sql.Composable) -> str | None:
        """Run a statement; answers the SQLSTATE where the role that it is about is there already, or not there."""
        try:
            self._execute(cursor, statement, **parts)
        except DatabaseError as exc:
            state = state_of(exc)
            if state is None or state not in {*EXISTS, MISSING}:
                self._refuse_role(exc)
            return state
        return None

    def _execute(self, cursor: Any, statement: str, **parts: sql.Composable) -> None:
        text = sql.SQL(statement).format(**{"group": sql.Identifier(self.group), **parts})
        cursor.execute(text.as_string(cursor.connection))

    def _refuse_role(self, exc: DatabaseError) -> NoReturn:
        if state_of(exc) == FORBIDDEN:
            raise ProvisioningError(
                f"The server's login may not make, change or grant what {self.alias!r} needs to have a login of its "
                "own. Give it CREATEROLE, and the ownership of the database and its tables; or set "
                'MULTI_TENANT["TENANT_LOGINS"] to False.',
                step="login",
            ) from exc
        raise exc


def quoted(name: str) -> str:
    """A name as it stands in SQL, for the server's functions that read SQL."""
    return '"' + name.replace('"', '""') + '"'


def state_of(exc: BaseException) -> str | None:
    """The SQLSTATE of a driver's error that Django wrapped."""
    state: str | None = getattr(exc.__cause__, "sqlstate", None)
    return state
