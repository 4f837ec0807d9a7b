"""The benchmarks that there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.report import Report
from benchmarks.runs import guard, hooks, memory, provision, request, throughput


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: what it shows, and how it is run."""

    summary: str
    run: Callable[[Bench], Report]


CATALOGUE = {
    "request": Benchmark("CPU of a request at 1, 50 and 500 tenants, beside the peers", request.run),
    "hooks": Benchmark("what happens around each request, with up to 100,000 tenants registered", hooks.run),
    "guard": Benchmark("what the guard adds to a query and to a request", guard.run),
    "memory": Benchmark("memory for a tenant that is looked up, and for one that is connected", memory.run),
    "provision": Benchmark("a new tenant to its first answer, beside a raw clone and the peers", provision.run),
    "throughput": Benchmark("requests in a second behind gunicorn, beside the peers", throughput.run),
}
