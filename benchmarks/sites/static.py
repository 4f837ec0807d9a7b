"""Django with static aliases; the databases are ours, which hold the same."""

from __future__ import annotations

from benchmarks.sites.base import Site


class Static(Site):
    """As many databases as the configuration lists."""

    def prepare(self, count: int) -> list[str]:
        return []
