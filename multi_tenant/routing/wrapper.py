"""A tenant's connection: Django's own wrapper for the engine, with the marker, the generation and clean errors."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

from django.core.exceptions import SynchronousOnlyOperation
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error as DriverError
from django.db.utils import load_backend

from multi_tenant.context import Place, active_place, refuse_unserved
from multi_tenant.exceptions import MultiTenantError, TenantConnectionError, TenantUnavailableError, WrongDatabaseError
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.store import store
from multi_tenant.routing.cursors import check_connection, guarded
from multi_tenant.routing.kept import Stirred, Stirring
from multi_tenant.routing.marker import read_marker
from multi_tenant.routing.outages import OutageAware

clock = itertools.count()
REFUSED = "the login is refused"
UNENCRYPTED = "the encryption that the entry asks for cannot be had"
#: What servers say when they refuse, and what we say of it; their own words may repeat parts of the entry.
REASONS = (
    ("password authentication failed", REFUSED),
    ("' to database '", "the login may not connect to it"),  # MySQL's "access denied" says so at its end
    ("access denied", REFUSED),
    ("password has expired", REFUSED),
    ("must set password", REFUSED),
    ("not allowed to connect", "the server lets nobody in from this machine"),
    ("is blocked because of", "the server lets nobody in from this machine"),
    ("permission denied for database", "the login may not connect to it"),
    ("role", REFUSED),
    ("does not exist", "there is no database of that name on the server"),
    ("unknown database", "there is no database of that name on the server"),
    ("too many", "the server has no connection left"),
    ("has exceeded the", "the server has no connection left"),  # for this login
    ("unknown server host", "the server cannot be reached"),
    ("can't connect to", "the server cannot be reached"),
    ("shutdown in progress", "the server cannot be reached"),
    ("gone away", "the server does not answer"),
    ("lost connection", "the server does not answer"),
    ("tls/ssl error", UNENCRYPTED),
    ("server does not support ssl", UNENCRYPTED),
    ("starting up", "the server is starting"),
    ("shutting down", "the server is shutting down"),
    ("closed the connection", "the server cannot be reached"),
    ("timeout", "the server does not answer"),
    ("timed out", "the server does not answer"),
    ("refused", "the server cannot be reached"),
    ("no such file or directory", "the server cannot be reached"),  # a socket's
    ("locked", "another writer holds the file"),
    ("unable to open database file", "the file cannot be opened"),
)

#: Whose the wrappers are that Django makes of our class by itself, to a server and to none of its databases.
NOBODYS = TenantRecord("", None, "", "", None, marked=False)


class TenantConnection(OutageAware):
    """The mixin over a backend's DatabaseWrapper."""

    record: TenantRecord
    Database: Any
    autocommit: Any = Stirring()
    close_at: Any = Stirring()
    errors_occurred: Any = Stirring()
    #: Where to tell of a use; None for a connection that is not one of ``django.db.connections``.
    stirred: Stirred | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.adopt_record(NOBODYS)

    def adopt_record(self, record: TenantRecord) -> None:
        """Bind a fresh wrapper to the tenant that it was made for."""
        self.record = record
        self.last_used = next(clock)
        self._confirmed_at: Place | None = None
        self._confirmed_under: int | None = None
        self._cursors: weakref.WeakSet[Any] = weakref.WeakSet()
        #: Only while the tenant is active; what is no tenant's is used by the lifecycle alone.
        self.guarded = record.uuid is not None

    @property
    def in_use(self) -> bool:
        """Whether closing would lose something: an open block, callbacks to come, or an open cursor."""
        if self.in_atomic_block or self.run_on_commit:
            return True
        if self.connection is None:
            return False
        return not self.autocommit or any(not getattr(cursor, "closed", False) for cursor in self._cursors)

    def touch(self) -> None:
        """Note a use, for the least recently used to be found."""
        self.last_used = next(clock)
        self.stir()

    def confirm(self, place: Place, version: int | None) -> None:
        """Note that the registry, at a version of it, leads from a place to this very connection."""
        self._confirmed_at, self._confirmed_under = place, version

    def is_confirmed(self, place: Place, version: int | None) -> bool:
        """Whether that was noted of the same place, and the registry is known to be as it was."""
        return place is self._confirmed_at and version is not None and version == self._confirmed_under

    def stir(self) -> None:
        """Have Django look at this connection after the request, and before the next one."""
        if self.stirred is not None:
            self.stirred[self.alias] = self

    def close_if_unusable_or_obsolete(self) -> None:
        """The backend's; then nobody has to look again before the connection is used, or too old."""
        super().close_if_unusable_or_obsolete()
        broken = self.errors_occurred and self.connection is not None
        if self.stirred is not None and not (broken or self.in_use or self.queries_log):
            self.stirred.settle(self)

    def connect(self) -> None:
        """Connect as the backend does, then compare the marker; a login that was changed meanwhile is tried once.

        Raises TenantConnectionError, also an OperationalError, and WrongDatabaseError. Whatever goes wrong is raised
        anew: the frames below hold the decrypted password, and error reports print frames.
        """
        failure = self._connect_once()
        if isinstance(failure, TenantConnectionError) and failure.reason == REFUSED and self._take_new_entry():
            failure = self._connect_once()
        if failure is not None:
            raise failure

    def _connect_once(self) -> Exception | None:
        try:
            with self.off_guard():
                super().connect()
            self._check_encryption()
            self._check_marker()
            return None
        except Exception as exc:  # noqa: BLE001  # raised by the caller, without the frames that hold the password
            failure = self._without_secrets(exc)
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        return failure

    def _take_new_entry(self) -> bool:
        """Ask the registry anew, whatever is cached; answers whether the tenant has another login by now."""
        known, place = self.record, active_place.get()
        if not known.marked or place.record is known:
            return False  # the lifecycle's, whose login is not the tenant's
        store.look_again()
        try:
            found = store.get(known.alias)
            refuse_unserved(found, uuid=known.uuid, any_state=place.any_state)
        except MultiTenantError:
            return False
        if found.entry is None or known.entry is None or found.generation == known.generation:
            return False
        if found.entry["ENGINE"] != known.entry["ENGINE"]:
            return False
        self.record, self.settings_dict = found, found.entry
        return True

    def copy(self, alias: str | None = None) -> Self:
        """A second connection to the same database, bound to the same tenant."""
        other = super().copy(alias)
        other.adopt_record(self.record)
        return other

    def _cursor(self, name: str | None = None) -> Any:
        check_connection(self)  # before it is connected
        self.touch()  # a connection may be held, and not asked for
        return super()._cursor(name)  # type: ignore[misc]  # Django's own, not in the stubs

    def _prepare_cursor(self, cursor: Any) -> Any:
        wrapped = guarded(super()._prepare_cursor(cursor))  # type: ignore[misc]  # Django's own, not in the stubs
        self._cursors.add(wrapped)
        return wrapped

    def forget_cursor(self, cursor: Any) -> None:
        """Note that a cursor is closed: SQLite's do not tell, and a variable may hold one long after."""
        self._cursors.discard(cursor)

    @contextmanager
    def _nodb_cursor(self) -> Iterator[Any]:
        """A cursor on the server's maintenance database.

        PostgreSQL's own turns to any other database that is open here when that one is refused: another tenant's.
        """
        with BaseDatabaseWrapper._nodb_cursor(self) as cursor:
            yield cursor

    @contextmanager
    def off_guard(self) -> Iterator[None]:
        """For statements that begin and end transactions: a block ends on the connection that it began on."""
        before, self.guarded = self.guarded, False
        try:
            yield
        finally:
            self.guarded = before

    def _savepoint(self, sid: str) -> None:
        with self.off_guard():
            super()._savepoint(sid)  # type: ignore[misc]  # Django's own, not in the stubs

    def _savepoint_rollback(self, sid: str) -> None:
        with self.off_guard():
            super()._savepoint_rollback(sid)  # type: ignore[misc]  # as above

    def _savepoint_commit(self, sid: str) -> None:
        with self.off_guard():
            super()._savepoint_commit(sid)  # type: ignore[misc]  # as above

    def get_connection_params(self) -> dict[str, Any]:
        """The backend's; a tenant's SQLite file is opened only if it is there, as a deleted one must not come back."""
        params = super().get_connection_params()
        if self.vendor == "sqlite":
            params["database"] = f"{Path(params['database']).absolute().as_uri()}?mode=rw"
        return params

    def _check_encryption(self) -> None:
        """MariaDB's client library takes REQUIRED for a wish, and speaks in the clear to a server without TLS."""
        if self.vendor != "mysql" or self.settings_dict["OPTIONS"].get("ssl_mode") != "REQUIRED":
            return
        with closing(self.connection.cursor()) as cursor:
            cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
            if not cursor.fetchone()[1]:
                raise TenantConnectionError(self.alias, UNENCRYPTED)

    def _check_marker(self) -> None:
        if not self.record.marked:
            return
        try:
            found = read_marker(self.connection)
        except self.Database.OperationalError as exc:
            if "no such table" not in str(exc):  # SQLite's words; all else, as a lock, says nothing of the marker
                raise
            found = None
        except (self.Database.Error, ValueError):  # no table, or what no uuid is
            found = None
        if found != self.record.uuid:
            raise WrongDatabaseError(self.alias, found=str(found) if found else None)

    def _without_secrets(self, exc: Exception) -> Exception:
        # MySQL's wrapper makes queries while it connects, and their errors are Django's.
        refusals = (self.Database.Error, self.Database.Warning, DriverError)
        if isinstance(exc, refusals) and not isinstance(exc, MultiTenantError):
            return TenantConnectionError(self.alias, reason_of(exc))
        bare = exc.with_traceback(None)
        if not isinstance(exc, (MultiTenantError, SynchronousOnlyOperation)):
            bare.__cause__ = None
        bare.__context__ = None
        return bare


class BeginningConnection(TenantConnection):
    """The mixin for SQLite, which begins transactions by a statement: Django asks whether there is such a method."""

    def _start_transaction_under_autocommit(self) -> None:
        with self.off_guard():
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # SQLite's own


def reason_of(exc: Exception) -> str:
    """Why a server refused, in our words."""
    return known_reason(str(exc)) or f"connecting failed ({type(exc).__name__})"


def known_reason(message: str) -> str:
    """What we say of a server's message; "" for one that we do not know."""
    text = message.lower()
    return next((reason for words, reason in REASONS if words in text), "")


def tenant_connection(record: TenantRecord) -> Any:
    """A new, unconnected wrapper. Raises TenantUnavailableError for a tenant that has no database."""
    if record.entry is None:
        raise TenantUnavailableError(record.alias, record.state)
    connection = wrapper_class(str(record.entry["ENGINE"]))(record.entry, record.alias)
    connection.adopt_record(record)
    return connection


@cache
def wrapper_class(engine: str) -> Any:
    """The backend's DatabaseWrapper with the mixin over it; few engines are in use, so all are kept."""
    backend = load_backend(engine).DatabaseWrapper
    names = {"__module__": backend.__module__, "__doc__": backend.__doc__}
    mixin = BeginningConnection if hasattr(backend, "_start_transaction_under_autocommit") else TenantConnection
    return type("DatabaseWrapper", (mixin, backend), names)
