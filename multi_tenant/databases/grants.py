"""The logins that tenants on MySQL or MariaDB are served with; the part of its engine that runs and grants things."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence, Set
from contextlib import closing
from typing import Any, NoReturn

from django.db import DatabaseError

from multi_tenant.databases.server import ServerEngine
from multi_tenant.exceptions import DatabaseExistsError, ProvisioningError

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
#: Characters that a database's name may have, also in a grant.
LONGEST_PATTERN = 64
#: What a tenant's login may do: work with rows. A database's privileges are for all its tables, also the marker's.
ROWS = "SELECT, INSERT, UPDATE, DELETE, EXECUTE"


class Grants(ServerEngine):
    """An engine whose tenants' logins are granted the rows of one database each."""

    has_logins = True
    longest_login = 32

    def create_login(self, login: str, password: str, *, name: str) -> None:
        with self._connection() as connection:
            connection.ensure_connection()
            how, what = identification(password, is_mariadb=connection.mysql_is_mariadb)
            database = self._pattern(name).replace("%", "%%")
            for do in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
                self._run_unlogged(f"{do} %s@%s {how}", login, ANYWHERE, what)
            try:
                self._run(f"GRANT {ROWS} ON {database}.* TO %s@%s", login, ANYWHERE)
            except ProvisioningError:
                self.drop_login(login)  # refused is not half done
                raise

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
                f"The login may not do this for {self.alias!r} on its server. Grant it ALL on its databases, and where "
                "tenants have logins of their own CREATE USER, and SELECT on mysql.user; or let somebody else make the "
                "database, and adopt it.",
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
        pattern = name if literal else re.sub(r"([_%\\])", r"\\\1", name)
        if len(pattern) > LONGEST_PATTERN:
            raise ProvisioningError(
                f"The database of {self.alias!r} has a name too long for a grant, in which an underscore counts twice. "
                'Rename it, or set MULTI_TENANT["TENANT_LOGINS"] to False.',
                step="login",
            )
        return quoted(pattern)


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
