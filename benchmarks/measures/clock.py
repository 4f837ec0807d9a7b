"""What a stretch of work costs the process that does it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter, process_time

#: Figures of one round, by metric; each metric's name ends with its unit.
Costs = dict[str, float]


def cost_of(work: Callable[[], object], *, times: int) -> tuple[float, float]:
    """Seconds of CPU and of the clock that one of so many calls takes; what was there before is collected first."""
    gc.collect()
    wall, cpu = perf_counter(), process_time()
    for _ in range(times):
        work()
    return (process_time() - cpu) / times, (perf_counter() - wall) / times
