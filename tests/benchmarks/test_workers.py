"""A peer's process answers calls, and a wrong page is an error, not a figure."""

from __future__ import annotations

import pytest

from benchmarks.peers import Peer, ours, plain
from benchmarks.workers import WorkerDiedError
from tests.benchmarks.conftest import Start


@pytest.mark.parametrize("peer", [plain, ours], ids=["plain", "ours"])
def test_each_tenant_has_its_own_page_and_requests_are_counted_in_cpu(start: Start, peer: Peer) -> None:
    worker = start(peer)
    worker.call("requests.prepare", count=2)
    worker.call("requests.meet", tenants=2)
    costs = worker.call("requests.visit", tenants=2, requests=3)
    assert costs.keys() == {"cpu_us", "wall_us"}
    assert min(costs.values()) > 0


def test_a_page_that_is_not_there_is_told_with_what_the_process_said(start: Start) -> None:
    worker = start(ours)
    worker.call("requests.prepare", count=1)
    with pytest.raises(WorkerDiedError, match=r"(?s)django-multi-tenant: .*t1\.example\.test/ was answered with .*404"):
        worker.call("requests.meet", tenants=2)


def test_hooks_are_measured_with_rows_alone(start: Start) -> None:
    worker = start(ours)
    worker.call("requests.prepare", count=1)
    worker.call("hooks.register", first=1, last=20)
    worker.call("hooks.know", registered=20)
    costs = worker.call("hooks.hooks", live=1, loops=5)
    assert costs.keys() == {"signals_us", "middleware_us"}
