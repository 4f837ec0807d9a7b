"""The parts into which Django's process-wide caches are divided: one for each place, and for its tenant alone."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any
from uuid import UUID

from multi_tenant.context import active_place


class Part(dict[Any, Any]):
    """What is cached at one alias for one tenant: an alias that is purged may be another's later, with other rows."""

    def __init__(self, tenant: UUID | None) -> None:
        super().__init__()
        self.tenant = tenant


def tenant_at(alias: str) -> UUID | None:
    """Whose rows an alias stands for here; None for those of the public database and of static ones."""
    place = active_place.get()
    return place.uuid if place.alias == alias else None


def part_of(parts: MutableMapping[str, Any], alias: str) -> Part | None:
    """The part of an alias, if it is of the tenant that bears the alias here."""
    part: Part | None = parts.get(alias)
    return part if part is not None and part.tenant == tenant_at(alias) else None


def own_part(parts: MutableMapping[str, Any], alias: str) -> Part:
    """The part of an alias; a new one in the place of another tenant's."""
    part = part_of(parts, alias)
    if part is None:
        part = parts[alias] = Part(tenant_at(alias))
    return part


class OwnTypes:
    """``ContentTypeManager._cache``, by alias and tenant; stands as a descriptor over what each manager holds.

    Django fills and empties the dict itself, which copies of a manager share.
    """

    def __init__(self, original: Any) -> None:
        """Take the place of an attribute that instances alone have."""

    def __get__(self, manager: Any, owner: Any = None) -> Any:
        return self if manager is None else TypeParts(manager.__dict__["_cache"])

    def __set__(self, manager: Any, parts: dict[str, Any]) -> None:
        manager.__dict__["_cache"] = parts


class TypeParts(MutableMapping[str, Any]):
    """What a manager's dict of content types is to the active place."""

    __slots__ = ("_parts",)

    def __init__(self, parts: dict[str, Any]) -> None:
        self._parts = parts

    def __getitem__(self, alias: str) -> Part:
        part = part_of(self._parts, alias)
        if part is None:
            raise KeyError(alias)
        return part

    def __setitem__(self, alias: str, types: Any) -> None:
        own_part(self._parts, alias).update(types)

    def __delitem__(self, alias: str) -> None:
        del self._parts[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._parts))

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, alias: object) -> bool:
        return alias in self._parts

    def setdefault(self, alias: str, default: Any = None) -> Part:
        # In one step: another thread may be at work for the alias's former tenant.
        return own_part(self._parts, alias)

    def pop(self, alias: str, *default: Any) -> Any:
        return self._parts.pop(alias, *default)

    def clear(self) -> None:
        self._parts.clear()
