"""What ``settings.DATABASES`` becomes, so that packages find the active tenant's engine there."""

from __future__ import annotations

from typing import Any

from multi_tenant.context import active_place, record_at
from multi_tenant.registry.aliases import DEFAULT, PUBLIC

#: What of an entry stays within its connection.
LOGIN_KEYS = frozenset({"USER", "PASSWORD", "OPTIONS"})


class StaticDatabases(dict[str, Any]):
    """``settings.DATABASES``, answering ``public`` too: Django looks up ``settings.DATABASES[connection.alias]``.

    Packages look up an engine that way, hence the active tenant's entry is answered, without its login.
    """

    def __missing__(self, alias: str) -> Any:
        if alias == PUBLIC:
            return self[DEFAULT]
        place = active_place.get()
        if alias == place.alias and (entry := record_at(place).entry):
            return {key: value for key, value in entry.items() if key not in LOGIN_KEYS}
        raise KeyError(alias)
