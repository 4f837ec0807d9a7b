"""What the guard behind the router costs, in each of its settings."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench
from benchmarks.peers import PLAIN, Peer, ours, plain, variant
from benchmarks.report import Case, Report
from benchmarks.workers import Worker, crew

SETTINGS = ("full", "statements", "off")
TITLE = "The guard"
METHOD = (
    "get: an object is looked up by its key. list of 20: twenty objects are fetched. request: the page of the",
    "benchmark `request`. One tenant, whose connection is open all the time. CPU of the process. The setting is",
    'MULTI_TENANT["GUARD"], "full" by default.',
)


def run(bench: Bench) -> Report:
    """Measure on two engines."""
    return Report("guard", TITLE, METHOD, [measure(bench, engine) for engine in ("PostgreSQL", "SQLite")])


def measure(bench: Bench, engine: str) -> Case:
    """Plain Django and each setting, on one engine."""
    bare, own = (options_of(bench, engine, peer) for peer in (plain, ours))
    for peer, given in ((plain, bare), (ours, own)):
        with Worker(peer, bench.configuration(peer, **given), log=bench.directory / f"{peer.key}.log") as worker:
            worker.call("requests.prepare", count=1)
    settings = [variant(ours, f'GUARD = "{setting}"', guard=setting) for setting in SETTINGS]
    members = [(plain, bare), *((peer, own) for peer in settings)]
    with crew([(peer, bench.configuration(peer, **given)) for peer, given in members], logs=bench.directory) as workers:
        for worker in workers:
            worker.call("requests.meet", tenants=1)
        return bench.rounds(engine, workers, "guarding.queries", baseline=PLAIN, loops=bench.scale.loops)


def options_of(bench: Bench, engine: str, peer: Peer) -> dict[str, Any]:
    """Where a peer's database is, on one engine."""
    name = f"guard_{peer.key}"
    if engine == "SQLite":
        return {"url": "", "database": str(bench.directory / f"{name}.sqlite3"), "conn_max_age": None}
    return {"database": bench.database(name), "conn_max_age": None}
