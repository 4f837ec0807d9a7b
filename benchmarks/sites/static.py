"""Django with static aliases; the databases are ours, which hold the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.project.static_tenancy import tenant_of_host
from benchmarks.sites.base import Site


class Static(Site):
    """As many databases as the configuration lists."""

    def prepare(self, count: int) -> list[str]:
        return []

    def middleware(self, get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return tenant_of_host(get_response)
