"""A new tenant, until its first answer."""

from __future__ import annotations

import json
from time import perf_counter, process_time
from typing import Any

from benchmarks.measures.clock import Costs
from benchmarks.measures.visitor import Visitor, WrongAnswerError
from benchmarks.sites.base import Site

visitor = Visitor()


def prepare(site: Site) -> None:
    """Do what is done once before tenants can be created."""
    site.prepare_creation()


def create(site: Site, *, alias: str) -> Costs:
    """Make a tenant, and ask it for a page."""
    wall, cpu = perf_counter(), process_time()
    site.create(alias)
    answer = json.loads(visitor.ask(site.host(alias), "/found/"))
    costs = {"wall_ms": (perf_counter() - wall) * 1e3, "cpu_ms": (process_time() - cpu) * 1e3}
    if answer != {"customers": 0}:
        raise WrongAnswerError(f"The new tenant {alias} answered {answer}.")
    return costs


def clone(site: Any, *, alias: str) -> Costs:
    """Clone a database by hand, and ask it a question."""
    wall, cpu = perf_counter(), process_time()
    site.create(alias)
    return {"wall_ms": (perf_counter() - wall) * 1e3, "cpu_ms": (process_time() - cpu) * 1e3}
