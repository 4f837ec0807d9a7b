"""What a server with several processes and threads answers in a second."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.gunicorns import VISITORS, Gunicorn, serving
from benchmarks.peers import PLAIN, ours, pgschemas, plain, static, tenants
from benchmarks.project.gunicorn_conf import threads, workers
from benchmarks.report import Case, Costs, Report, Subject
from benchmarks.runs.request import counted, prepare

#: As many as a peer that keeps a connection for each tenant, in each thread, can have of the server.
MOST = 20
#: How much longer than a round the first visits last: each thread is to meet each tenant, which chance decides.
WARMING = 4
TITLE = "Requests in a second"
METHOD = (
    f"gunicorn with {workers} workers of {threads} threads serves the page of the benchmark `request`.",
    f"{VISITORS} visitors on the same machine, each over one connection, ask for one tenant after the other for some",
    "seconds. Sites are visited in turn, round by round. The visitors take their part of the processor.",
    "fresh: CONN_MAX_AGE=0. kept: CONN_MAX_AGE=None; of ours, each thread keeps a connection for each tenant.",
)


def run(bench: Bench) -> Report:
    """Let visitors come under both regimes."""
    count = min(MOST, max(bench.scale.tenants))
    databases = prepare(bench, [plain, ours, tenants, pgschemas], benchmark="throughput", count=count)
    regimes = {"fresh": 0, "kept": None}
    return Report(
        "throughput",
        TITLE,
        METHOD,
        [measure(bench, name, age, databases) for name, age in regimes.items()],
    )


def measure(bench: Bench, regime: str, age: int | None, databases: tuple[str, ...]) -> Case:
    """All peers under one regime; the first visits, which open connections, are not counted."""
    count = len(databases)
    with ExitStack() as stack:
        sites = []
        for peer in (plain, static, ours, tenants, pgschemas):
            database = f"throughput_{(plain if peer is static else peer).key}"
            own = databases if peer is static else ()
            configuration = bench.configuration(peer, database=database, conn_max_age=age, cap=count, databases=own)
            log = bench.directory / f"{peer.key}.log"
            sites.append(stack.enter_context(serving(peer, configuration, log=log)))
        for site in sites:
            site.visited(tenants=count, seconds=WARMING * bench.scale.seconds)
        return rounds(bench, f"{counted(count)}, {regime} connections", sites, count)


def rounds(bench: Bench, case: str, sites: list[Gunicorn], count: int) -> Case:
    """Visit each site in turn, round by round."""
    figures: dict[str, list[Costs]] = {site.peer.title: [] for site in sites}
    for _ in range(bench.scale.visits):
        for site in sites:
            figures[site.peer.title].append(site.visited(tenants=count, seconds=bench.scale.seconds))
    return bench.done(Case(case, [Subject(title, each) for title, each in figures.items()], PLAIN))
