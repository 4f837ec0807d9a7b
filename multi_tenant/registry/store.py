"""The process's cache of tenants, kept honest by a version number; asked by contexts, connections and resolvers."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, OperationalError

from multi_tenant.conf import conf
from multi_tenant.exceptions import RegistryNotCachedError, RegistryUnavailableError, UnknownTenantError
from multi_tenant.registry import lookup
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.loops import in_event_loop
from multi_tenant.registry.versioned import Reign, Versioned

logger = logging.getLogger("multi_tenant.registry")
V = TypeVar("V")
#: Entries kept in a process; a record is about 4 KiB.
MAX_TENANTS = 10_000
MAX_HOSTS = 20_000
#: Unknown hosts and aliases have a cache of their own, so that a flood of them evicts nothing real.
MAX_UNKNOWN = 1_000
#: Seconds that a thread waits for the poll of another one when it may not go on without.
PATIENCE = 5


class Store:
    """Answers tenants by alias and by host; one small ``SELECT`` per process and REGISTRY_TTL keeps it true.

    A change read after the version was polled is tagged with the older version, so at worst it is read once more.
    """

    def __init__(self) -> None:
        self._renew_lock()
        self._numbers = count(1)
        self._mine = threading.local()
        self._changes = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._forget_records()
        self._version: int | None = None
        self._polled = float("-inf")
        self._failing = False
        self._next_poll = float("-inf")
        self._known = self._changes

    def _forget_records(self) -> None:
        self._tenants: Versioned[TenantRecord] = Versioned(MAX_TENANTS)
        self._hosts: Versioned[str] = Versioned(MAX_HOSTS)
        self._unknown: Versioned[bool] = Versioned(MAX_UNKNOWN)
        self._former = Reign()

    def expire(self) -> None:
        """Ask for the version again at the next use: a change was made in this process, by this thread."""
        self._mine.change = self._changes = next(self._numbers)

    def look_again(self) -> None:
        """``expire`` for doubts: while the registry is out of reach they wait for the next look that is due."""
        if not self._failing:
            self.expire()

    def get(self, alias: str, *, any_age: bool = False) -> TenantRecord:
        """The tenant of that alias, in whatever state.

        ``any_age`` lets code inside an event loop, which cannot run SQL anyway, have a cached record that is due for a
        poll. Raises UnknownTenantError, RegistryUnavailableError, RegistryNotCachedError (in a running event loop),
        and what AbstractTenant.entry raises.
        """
        if self._is_due() and in_event_loop():
            return self._cached_in_loop(alias, any_age=any_age)
        version = self.version()
        record = self._tenants.recall(alias, version)
        if record is not None:
            return record
        if self._unknown.recall(alias, version):
            raise UnknownTenantError(alias)
        if in_event_loop():
            return self._cached_in_loop(alias, any_age=any_age)
        return self._load(alias, version)

    async def aget(self, alias: str) -> TenantRecord:
        """``get`` for coroutines."""
        version = self.version_in_hand()
        record = None if version is None else self._tenants.recall(alias, version)
        return record or await sync_to_async(self.get)(alias)

    def by_host(self, host: str) -> str | None:
        """The alias that a normalised host leads to, None where it leads nowhere."""
        version = self.version()
        alias = self._hosts.recall(host, version)
        if alias is not None or self._unknown.recall(f"//{host}", version):
            return alias
        return self._load_host(host, version)

    async def aby_host(self, host: str) -> str | None:
        """``by_host`` for coroutines."""
        version = self.version_in_hand()
        if version is not None:
            alias = self._hosts.recall(host, version)
            if alias is not None or self._unknown.recall(f"//{host}", version):
                return alias
        return await sync_to_async(self.by_host)(host)

    def version(self) -> int:
        """The registry's version, at most REGISTRY_TTL old, or REGISTRY_STALE_IF_ERROR while it cannot be read."""
        if self._is_due():
            if self._lock.acquire(timeout=self._patience()):
                try:
                    self._poll()
                finally:
                    self._lock.release()
            elif self._too_old():
                raise RegistryUnavailableError
        if self._version is None or (self._failing and self._too_old()):
            raise RegistryUnavailableError
        return self._version

    def version_in_hand(self) -> int | None:
        """The version, if it may be used without a look at the registry."""
        due = self._is_due() or (self._failing and self._too_old())
        return None if due else self._version

    def _is_due(self) -> bool:
        """Whether the version is to be read again: it is old, or a change was made that no poll knows of."""
        return monotonic() >= self._next_poll or self._changes != self._known

    def _patience(self) -> float:
        """Seconds to wait for another thread's poll: it may go on for as long as the network does.

        A thread that made a change does not go on without it: it would be refused what it has just made.
        """
        made_one = getattr(self._mine, "change", 0) > self._known
        return PATIENCE if made_one or (self._too_old() and not self._failing) else 0

    def _too_old(self) -> bool:
        """Whether the version may not be used any more unless it is read again."""
        return self._version is None or self._age(self._version) > oldest_allowed()

    def _age(self, version: int) -> float:
        """How long ago that version was last found to be the registry's, and what was read under it to be true."""
        last_seen = self._polled if version == self._version else self._former.get(version, float("-inf"))
        return monotonic() - last_seen

    def _poll(self) -> None:
        if not self._is_due():  # another thread polled while this one waited for the lock
            return
        now, changes = monotonic(), self._changes
        try:
            version = lookup.poll_version()
        except (DatabaseError, InterfaceError) as exc:
            self._failing = True
            self._tell_of_failure(exc)
            # Counted from now: an attempt may have lasted longer than REGISTRY_TTL, and the next is not to follow it.
            self._next_poll = monotonic() + conf.REGISTRY_TTL
        else:
            self._accept(version, now)
            self._next_poll = now + conf.REGISTRY_TTL
        self._known = changes  # not those that other threads committed while this one was reading

    def _accept(self, version: int, asked: float) -> None:
        """Go on with the version that a poll, begun at ``asked``, has read."""
        if self._version is not None and version < self._version:
            # The public database was restored: the numbers to come were given to other changes before.
            self._forget_records()
        elif self._version is not None and version != self._version:
            self._former.end(self._version, self._polled, horizon=asked - oldest_allowed())
        self._version = version
        self._polled = asked
        if self._failing:
            self._failing = False
            logger.info("The registry can be read again.")

    def _tell_of_failure(self, exc: Exception) -> None:
        rest = 0 if self._version is None else max(0, oldest_allowed() - self._age(self._version))
        logger.warning(
            "The registry's version cannot be read (%s); cached tenants are served on, for %d s at most.",
            type(exc).__name__,
            rest,
        )

    def _load(self, alias: str, version: int) -> TenantRecord:
        stale = self._tenants.get(alias)
        record = self._read(lambda: lookup.find_tenant(alias), stale)
        if record is None:
            self._tenants.pop(alias, None)
            self._unknown.remember(alias, True, version)
            raise UnknownTenantError(alias)
        if stale is None or record is not stale[0]:
            self._tenants.remember(alias, record, version)
        return record

    def _load_host(self, host: str, version: int) -> str | None:
        stale = self._hosts.get(host)
        alias = self._read(lambda: lookup.find_host(host), stale)
        if alias is None:
            self._hosts.pop(host, None)
            self._unknown.remember(f"//{host}", True, version)
        elif stale is None or alias is not stale[0]:
            self._hosts.remember(host, alias, version)
        return alias

    def _read(self, find: Callable[[], V | None], stale: tuple[V, int] | None) -> V | None:
        """What ``find`` reads from the registry; while that is out of reach, what is cached, or an error.

        After a failure nothing is read before the next poll: each attempt may last as long as the network does, and
        visitors of tenants that are not cached would hold up the threads that serve the others.
        """
        if not self._failing:
            try:
                return find()
            except (DatabaseError, InterfaceError) as exc:
                logger.warning("The registry cannot be read (%s).", type(exc).__name__)
                # Other errors may be of this one question.
                self._failing = isinstance(exc, (OperationalError, InterfaceError))
        if stale is None or self._age(stale[1]) > oldest_allowed():
            raise RegistryUnavailableError
        return stale[0]

    def _cached_in_loop(self, alias: str, *, any_age: bool) -> TenantRecord:
        cached = self._tenants.get(alias)
        if cached is None or not any_age:
            raise RegistryNotCachedError(alias)
        if self._failing and self._age(cached[1]) > oldest_allowed():
            raise RegistryUnavailableError
        return cached[0]

    def _renew_lock(self) -> None:
        """In a forked child the parent's thread that held the lock does not exist."""
        self._lock = threading.Lock()


def oldest_allowed() -> float:
    """Seconds after which nothing that is cached is served unless the registry confirms it."""
    return max(conf.REGISTRY_TTL, conf.REGISTRY_STALE_IF_ERROR)


store = Store()
os.register_at_fork(after_in_child=store._renew_lock)
