"""A new tenant, until its first answer."""

from __future__ import annotations

from itertools import count
from time import perf_counter, process_time
from typing import Protocol

from benchmarks.measures.clock import Costs
from benchmarks.measures.visitor import WrongAnswerError

numbers = count()


class Maker(Protocol):
    """A site, or what clones without one: it cannot import the models of a site."""

    def prepare_creation(self) -> None: ...

    def first_answer(self, alias: str) -> int: ...


def prepare(site: Maker) -> None:
    """Do what is done once before tenants can be created."""
    site.prepare_creation()


def create(site: Maker, *, alias: str = "") -> Costs:
    """Make one more tenant, and ask it how many customers it has."""
    alias = alias or f"n{next(numbers)}"
    wall, cpu = perf_counter(), process_time()
    answer = site.first_answer(alias)
    costs = {"wall_ms": (perf_counter() - wall) * 1e3, "cpu_ms": (process_time() - cpu) * 1e3}
    if answer != 0:
        raise WrongAnswerError(f"The new tenant {alias} has {answer} customers.")
    return costs
