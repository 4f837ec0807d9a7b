"""What happens before and after each request, whatever it asks for."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.http import HttpResponse

from benchmarks.measures.clock import Costs, cost_of
from benchmarks.measures.visitor import environ_of
from benchmarks.sites.base import Site

#: Rows that are written at a time.
BATCH = 5_000
#: Hosts that are looked up before anything is measured, so that caches hold more than what is asked for.
KNOWN = 1_000


def register(site: Site, *, first: int, last: int, placed: bool = False) -> None:
    """Write the rows of tenants ``first`` to ``last``, without it; ``placed`` ones say where a database would be."""
    for start in range(first, last, BATCH):
        site.register(start, min(BATCH, last - start), placed=placed)


def know(site: Site, *, registered: int) -> None:
    """Look up many hosts, once each."""
    middleware = site.middleware(lambda request: HttpResponse())
    for number in range(min(registered, KNOWN)):
        middleware(WSGIRequest(environ_of(site.host(site.alias(number)))))


def hooks(site: Site, *, live: int, loops: int) -> Costs:
    """Send the signals of a request, and lead a request through the peer's middleware to an empty view."""
    hosts = [site.host(site.alias(number)) for number in range(live)]
    environ = environ_of(hosts[0])
    requests = iter([WSGIRequest(environ_of(host)) for host in islice(cycle(hosts), loops)])
    answers = iter([HttpResponse() for _ in range(loops)])
    middleware = site.middleware(lambda request: next(answers))

    def signals() -> None:
        request_started.send(sender=Site, environ=environ)
        request_finished.send(sender=Site)

    def passage() -> Any:
        return middleware(next(requests))

    return {
        "signals_us": cost_of(signals, times=loops)[0] * 1e6,
        "middleware_us": cost_of(passage, times=loops)[0] * 1e6,
    }
