"""Pages of tenants, one tenant after the other."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from benchmarks.measures.clock import Costs, cost_of
from benchmarks.sites.base import Site

rounds: dict[int, Any] = {}


def prepare(site: Site, *, count: int) -> list[str]:
    """Make tenants with their rows; answers their databases."""
    return site.prepare(count)


def meet(site: Site, *, tenants: int) -> None:
    """Ask each tenant for its page, and see that it is its own; connections that are kept are open from then on."""
    for number in range(tenants):
        site.visitor.check(site.host(site.alias(number)), site.expected(number))


def visit(site: Site, *, tenants: int, requests: int) -> Costs:
    """Ask for pages, going on where the last call ended."""
    hosts = rounds.setdefault(tenants, cycle([site.host(site.alias(number)) for number in range(tenants)]))
    cpu, wall = cost_of(lambda: site.visitor.ask(next(hosts)), times=requests)
    return {"cpu_us": cpu * 1e6, "wall_us": wall * 1e6}
