"""What a tenant's connection does when its server is away: the part of the mixin in wrapper.py that has patience."""

from __future__ import annotations

import errno
import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

from multi_tenant.conf import conf
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.registry.loss import is_lost

if TYPE_CHECKING:
    Base = BaseDatabaseWrapper
else:
    Base = object

logger = logging.getLogger("multi_tenant.routing")
#: Seconds to wait for a server, unless the entry says otherwise; drivers wait for minutes.
CONNECT_SECONDS = 10
#: Engines whose drivers take that as the option ``connect_timeout``.
TIMED_VENDORS = frozenset({"postgresql", "mysql"})
#: What drivers say of a server that they waited for in vain; MySQL's tells the system's number alone.
SILENCE = ("timeout", "timed out", f"({errno.ETIMEDOUT})", f"system error: {errno.ETIMEDOUT}")
MAX_SILENT = 1_000

Server = tuple[str, str]


class OutageAware(Base):
    """The mixin over a backend's DatabaseWrapper that waits briefly, and names a lost server as such."""

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        """Django's translation of the driver's errors, with TenantConnectionError for a connection that is lost."""
        return LossWrapper(self)

    def get_connection_params(self) -> dict[str, Any]:
        """The backend's, with a limit to the time that connecting may take."""
        params: dict[str, Any] = super().get_connection_params()
        if self.vendor in TIMED_VENDORS:
            params.setdefault("connect_timeout", CONNECT_SECONDS)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """The backend's, or TenantConnectionError at once for a server that did not answer a moment ago."""
        if self.vendor not in TIMED_VENDORS:
            return super().get_new_connection(conn_params)
        with silent_servers.knock(server_of(self), self.alias):
            return super().get_new_connection(conn_params)


class LossWrapper(DatabaseErrorWrapper):
    """Raises TenantConnectionError, which is an OperationalError, when a connection died under a statement."""

    wrapper: Any

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            return
        try:
            super().__exit__(kind, exc, traceback)
        except (OperationalError, InterfaceError):
            if not is_lost(self.wrapper):
                raise
            lost = TenantConnectionError(self.wrapper.alias, "its server has closed the connection")
            raise lost.with_traceback(traceback) from exc


class SilentServers:
    """The servers that were waited for in vain, in this process.

    For REGISTRY_TTL after each attempt nobody tries again, and then one thread does. Else the visitors of one dead
    server would soon occupy every thread that others are served by.
    """

    def __init__(self) -> None:
        self._until: OrderedDict[Server, float] = OrderedDict()

    @contextmanager
    def knock(self, server: Server, alias: str) -> Iterator[None]:
        """Run an attempt to connect. Raises TenantConnectionError instead of running it while the server is silent."""
        if self.is_silent(server):
            raise TenantConnectionError(alias, "its server did not answer a moment ago")
        try:
            yield
        except Exception as exc:  # any driver's; raised again as it is, whatever it says of the server
            if any(words in str(exc).lower() for words in SILENCE):
                self.note(server)
            else:
                self._until.pop(server, None)  # it has answered
            raise
        self._until.pop(server, None)

    def is_silent(self, server: Server) -> bool:
        """Whether nobody should wait for the server now; the one who is told to, keeps the others off meanwhile."""
        until = self._until.get(server)
        if until is None:
            return False
        now = monotonic()
        if now >= until:
            self._until[server] = now + 2 * CONNECT_SECONDS
        return now < until

    def note(self, server: Server) -> None:
        """Remember that the server was waited for in vain."""
        logger.warning("A server of tenants does not answer; it is left alone for %g s.", conf.REGISTRY_TTL)
        self._until[server] = monotonic() + conf.REGISTRY_TTL
        while len(self._until) > MAX_SILENT:
            self._until.popitem(last=False)

    def clear(self) -> None:
        """Forget them all."""
        self._until.clear()


def server_of(connection: BaseDatabaseWrapper) -> Server:
    """Which server a connection leads to."""
    return str(connection.settings_dict["HOST"]), str(connection.settings_dict["PORT"])


silent_servers = SilentServers()
