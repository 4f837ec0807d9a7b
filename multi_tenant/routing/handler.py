"""The class that ``django.db.connections`` gets: static aliases as ever, tenants' connections made when asked for."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from django.apps import apps
from django.db.backends.base import base as backends_base
from django.db.utils import ConnectionHandler, load_backend

from multi_tenant.conf import conf
from multi_tenant.context import Place, active_place, record_at, refuse_unserved
from multi_tenant.exceptions import ConnectionLimitError, MultiTenantError, WrongTenantError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.loops import in_event_loop
from multi_tenant.registry.store import store
from multi_tenant.routing.kept import HOOKS, Stirred
from multi_tenant.routing.sites import site_cache
from multi_tenant.routing.static import StaticDatabases
from multi_tenant.routing.wrapper import TenantConnection, tenant_connection

logger = logging.getLogger("multi_tenant.routing")
#: Where a thread keeps its tenants' connections in the handler's Local: no alias can be this attribute.
LIVE = "connections of tenants"
#: Likewise, those that were used since Django looked at them.
STIRRED = "connections that were used"
#: Tenants of which Django's caches keep something; about 8 KiB each.
MAX_CACHED = 1_000
NONE: Mapping[str, TenantConnection] = {}


class TenantConnectionHandler(ConnectionHandler):
    """``connections["default"]`` is the active tenant's connection, or the public one, whose alias is ``public``.

    Iteration, ``settings`` and ``in`` know static aliases alone, so no walk over them grows with the tenants. All
    connections belong to the thread that asked for them.
    """

    _connections: Any
    #: Those of all threads, by identity; each is gone from here when its thread has let go of it.
    made: ClassVar[WeakValueDictionary[int, Any]] = WeakValueDictionary()
    #: The generation each alias was last opened with in this process; what Django caches by alias is valid for it.
    _generations: ClassVar[dict[str, str]] = {}

    def __getitem__(self, alias: str) -> Any:
        place = active_place.get()
        name = (place.alias or PUBLIC) if alias == DEFAULT else alias
        if name == PUBLIC or name in self.static_settings:
            return self._static(DEFAULT if name == PUBLIC else name)
        return self._of_tenant(name, place)

    def __setitem__(self, alias: str, connection: Any) -> None:
        name = self._slot(alias)
        if name in self.static_settings:
            setattr(self._connections, name, connection)
            return
        self._stirred.partial |= getattr(connection, "stirred", None) is not self._stirred
        self._keep({**self._live, name: connection})

    def __delitem__(self, alias: str) -> None:
        name = self._slot(alias)
        if name in self.static_settings:
            delattr(self._connections, name)
            return
        self._keep({key: value for key, value in self._live.items() if key != name})
        self._stirred.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.static_settings)

    @property
    def settings(self) -> dict[str, Any]:
        """``DATABASES``; in a tenant its ``default`` is the tenant's, as ATOMIC_REQUESTS is looked up there."""
        if not active_place.get().is_tenant:
            return self.static_settings
        return StaticDatabases({**self.static_settings, DEFAULT: self[DEFAULT].settings_dict})

    @cached_property
    def static_settings(self) -> dict[str, Any]:
        """``DATABASES`` as the project wrote it, with Django's defaults."""
        databases: dict[str, Any] = self.configure_settings(None)
        return databases

    def all(self, initialized_only: bool = False) -> list[Any]:
        """The static connections, those of tenants that this thread has met, and the active tenant's.

        With ``initialized_only`` none is made. None is ever made for a tenant that is not active. Django's hooks around
        requests get those alone that they have something to do with.
        """
        if not initialized_only and active_place.get().is_tenant:
            self[DEFAULT]
        if initialized_only:
            found = [getattr(self._connections, alias, None) for alias in self]
            static = [connection for connection in found if connection is not None]
        else:
            static = [self._static(alias) for alias in self]
        # The frame of a hook, rather than hooks of ours: tests take Django's off the signals, and put them on again.
        of_hook = initialized_only and sys._getframe(1).f_code in HOOKS and not in_event_loop()
        return [*static, *(self._stirred.among(self._live) if of_hook else self._live.values())]

    def create_connection(self, alias: str) -> Any:
        """A new static connection; the public one is named for what it is."""
        entry = self.static_settings[alias]
        name = PUBLIC if alias == DEFAULT else alias
        connection = load_backend(entry["ENGINE"]).DatabaseWrapper(entry, name)
        self.made[id(connection)] = connection
        return connection

    def retire(self, alias: str) -> None:
        """Close this thread's connection to a tenant and forget what Django cached of it; one in use is kept."""
        connection = self._live.get(alias)
        if connection is None or connection.in_use:
            return
        # One that never connected has nothing to close, and an event loop, which may hold such (``aiterator`` asks for
        # its settings there), is not allowed to.
        if connection.connection is not None:
            connection.close()
        connection.stirred = None
        del self[alias]
        self._generations.pop(alias, None)
        forget_caches(alias)

    def release_tenants(self) -> None:
        """Know the thread's connections to tenants no more; none is closed."""
        self._keep({})
        self._stirred.clear()

    @property
    def _live(self) -> Mapping[str, Any]:
        return getattr(self._connections, LIVE, NONE)

    @property
    def _stirred(self) -> Stirred:
        try:
            stirred: Stirred = getattr(self._connections, STIRRED)
        except AttributeError:
            stirred = Stirred()
            setattr(self._connections, STIRRED, stirred)
        return stirred

    def _keep(self, live: Mapping[str, Any]) -> None:
        """Replace the map as a whole: contexts of an event loop share what they inherited."""
        setattr(self._connections, LIVE, live)

    def _slot(self, alias: str) -> str:
        name = (active_place.get().alias or PUBLIC) if alias == DEFAULT else alias
        return DEFAULT if name == PUBLIC else name

    def _static(self, slot: str) -> Any:
        try:
            return getattr(self._connections, slot)
        except AttributeError:
            connection = self.create_connection(slot)
            setattr(self._connections, slot, connection)
            return connection

    def _of_tenant(self, alias: str, place: Place) -> Any:
        connection = self._live.get(alias)
        version = store.version_in_hand()
        if connection is not None and connection.is_confirmed(place, version):
            connection.touch()
            return connection
        return self._checked(connection, alias, place, version)

    def _checked(self, connection: Any, alias: str, place: Place, version: int | None) -> Any:
        """The thread's connection if it is as the registry has it now, or another in its place."""
        if connection is not None and alias == place.alias:
            refuse_predecessor(connection, place)
        if connection is not None and connection.in_atomic_block:
            return connection  # swapping it now would lose the block's writes without an exception
        try:
            record = self._record(alias, place)
        except MultiTenantError:
            if connection is None or connection.in_use:
                if connection is not None:
                    return connection
            else:
                self.retire(alias)
            raise
        if connection is not None and connection.record.generation == record.generation:
            connection.confirm(place, version)
        elif connection is None or not connection.in_use:
            self.retire(alias)
            return self._open(record)
        connection.touch()
        return connection

    def _record(self, alias: str, place: Place) -> TenantRecord:
        if alias == place.alias:
            record = record_at(place)
        else:
            record = store.get(alias, any_age=True)
            refuse_unserved(record, uuid=None, any_state=False)
        return record

    def _open(self, record: TenantRecord) -> Any:
        self._make_room(record.alias)
        if self._generations.get(record.alias) != record.generation:
            forget_caches(record.alias)
            self._generations[record.alias] = record.generation
            self._forget_oldest()
        connection = tenant_connection(record)
        self.made[id(connection)] = connection
        connection.stirred = None if in_event_loop() else self._stirred
        connection.touch()
        self[record.alias] = connection
        return connection

    def _forget_oldest(self) -> None:
        """A thread that ends, as each request's does under ASGI, retires nothing, so the caches are bounded here."""
        while len(self._generations) > MAX_CACHED:
            oldest = next(iter(tuple(self._generations)))
            self._generations.pop(oldest, None)
            forget_caches(oldest)

    def _make_room(self, alias: str) -> None:
        """Retire the least recently used connections of this thread until one more fits under the cap."""
        limit = conf.MAX_CONNECTIONS_PER_THREAD
        while len(self._live) >= limit:
            idle = [connection for connection in self._live.values() if not connection.in_use]
            if not idle:
                raise ConnectionLimitError(alias, limit)
            oldest = min(idle, key=lambda connection: connection.last_used)
            logger.debug("Retired the connection to %s: the thread's cap of %d is reached.", oldest.alias, limit)
            self.retire(oldest.alias)


def refuse_predecessor(connection: TenantConnection, place: Place) -> None:
    """Raise WrongTenantError when a connection in use, which cannot be swapped, is of the alias's former tenant."""
    found, active = connection.record.uuid, place.uuid
    if found is not active and found != active and connection.in_use:
        raise WrongTenantError(
            f"The connection to {connection.alias!r} is in use for the tenant that bore this alias before. End its "
            "blocks and close its cursors first.",
            found=str(found),
            expected=connection.alias,
        )


def forget_caches(alias: str) -> None:
    """Drop what Django keeps by alias for the whole process: the version check, the content types and the sites."""
    backends_base.RAN_DB_VERSION_CHECK.discard(alias)
    if apps.is_installed("django.contrib.contenttypes"):
        content_types: Any = apps.get_model("contenttypes.ContentType")._default_manager
        content_types._cache.pop(alias, None)
    site_cache.forget(alias)
