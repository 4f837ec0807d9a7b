"""The bounded maps of what the store has read, each value with the version of the registry it was read under."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TypeVar

logger = logging.getLogger("multi_tenant.registry")
V = TypeVar("V")


class Versioned(OrderedDict[str, tuple[V, int]]):
    """A bounded map of values with the registry version they were read under; the least recently used goes first."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def recall(self, key: str, version: int) -> V | None:
        """The value, if it was read under ``version``."""
        found = self.get(key)
        if found is None or found[1] != version:
            return None
        try:  # noqa: SIM105  # `suppress` takes longer than all the rest here, several times in each request
            self.move_to_end(key)
        except KeyError:  # evicted by another thread since; the value in hand is as good
            pass
        return found[0]

    def remember(self, key: str, value: V, version: int) -> None:
        self[key] = (value, version)
        self.move_to_end(key)
        while len(self) > self.limit:
            evicted, _ = self.popitem(last=False)
            logger.debug("Evicted %s from the cache of %d.", evicted, self.limit)


class Reign(OrderedDict[int, float]):
    """When each former version was last found to be the registry's; what was read under it was true until then."""

    def end(self, version: int, last_seen: float, *, horizon: float) -> None:
        """Note a version that is over; those that ended before ``horizon`` are of no use to anybody."""
        self[version] = last_seen
        while self and next(iter(self.values())) < horizon:
            self.popitem(last=False)
