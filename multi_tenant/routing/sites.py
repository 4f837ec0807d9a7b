"""Django's cache of sites, with a part for each place; put into ``django.contrib.sites`` by the patches."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from django.apps import apps

from multi_tenant.routing.parts import Part, own_part
from multi_tenant.routing.router import home_alias


class SiteCache(MutableMapping[Any, Any]):
    """What ``SITE_CACHE`` is to the active place: keys and hosts mean another site in each tenant.

    Raises what ``home_alias`` raises.
    """

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}

    def __getitem__(self, key: Any) -> Any:
        return self._part[key]

    def __setitem__(self, key: Any, site: Any) -> None:
        self._part[key] = site

    def __delitem__(self, key: Any) -> None:
        del self._part[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(tuple(self._part))

    def __len__(self) -> int:
        return len(self._part)

    def forget(self, alias: str) -> None:
        """Drop the part of one place."""
        self._parts.pop(alias, None)

    @property
    def _part(self) -> dict[Any, Any]:
        # Django's receiver empties the cache also while a test hides the app, and `get_model` with it.
        return own_part(self._parts, home_alias(apps.all_models["sites"]["site"]))


site_cache = SiteCache()
