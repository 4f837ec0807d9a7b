"""Visitors of a site over HTTP, for some seconds; a process of its own, which the harness starts.

Its arguments are the port, how many tenants there are, how many visitors and for how long; it prints one line of JSON.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from statistics import quantiles

from benchmarks.tenants import alias_of, host_of

TIMEOUT_SECONDS = 60


class Visitor(threading.Thread):
    """Asks one tenant after the other, over one connection, until the time is over."""

    def __init__(self, port: int, *, first: int, tenants: int, until: float) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self.number = first
        self.tenants = tenants
        self.until = until
        self.seconds: list[float] = []
        self.failures = 0

    def run(self) -> None:
        while (begun := time.perf_counter()) < self.until:
            self.number = (self.number + 1) % self.tenants
            self.failures += not self.ask(host_of(alias_of(self.number)))
            self.seconds.append(time.perf_counter() - begun)
        self.connection.close()

    def ask(self, host: str) -> bool:
        """Whether a page was had."""
        self.connection.request("GET", "/", headers={"Host": host})
        response = self.connection.getresponse()
        return bool(response.read()) and response.status == 200


def main(port: int, tenants: int, visitors: int, seconds: float) -> None:
    """Let the visitors ask, and tell what they had."""
    begun = time.perf_counter()
    step = max(1, tenants // visitors)
    crowd = [
        Visitor(port, first=step * number % tenants, tenants=tenants, until=begun + seconds)
        for number in range(visitors)
    ]
    for visitor in crowd:
        visitor.start()
    for visitor in crowd:
        visitor.join()
    took = time.perf_counter() - begun
    answers = [each for visitor in crowd for each in visitor.seconds]
    cuts = quantiles(answers, n=20, method="inclusive")
    figures = {"requests_per_s": len(answers) / took, "half_ms": cuts[9] * 1e3, "95_of_100_ms": cuts[18] * 1e3}
    print(json.dumps({"failures": sum(visitor.failures for visitor in crowd), "figures": figures}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
