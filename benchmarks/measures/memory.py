"""What a process keeps in memory for the tenants that it has met."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from benchmarks.measures.clock import Costs
from benchmarks.measures.visitor import environ_of
from benchmarks.sites.base import Site

KIB = 1024


def connect(site: Site, *, first: int, last: int) -> Costs:
    """Ask tenants for their pages, and keep their connections; answers what the process has grown by for each."""
    before = resident()
    for number in range(first, last):
        site.visitor.check(site.host(site.alias(number)), site.expected(number))
    return {"kib_each": (resident() - before) / (last - first) / KIB}


def know(site: Site, *, first: int, last: int) -> Costs:
    """Look tenants up, and connect to none."""
    middleware = site.middleware(lambda request: HttpResponse())
    before = resident()
    for number in range(first, last):
        middleware(WSGIRequest(environ_of(site.host(site.alias(number)))))
    return {"kib_each": (resident() - before) / (last - first) / KIB}


def resident() -> int:
    """Bytes of the process in memory, without what can be collected; Linux tells them."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
