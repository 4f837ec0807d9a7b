"""What happens before and after each request, with more and more tenants registered."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.peers import Peer, ours, pgschemas, plain, static, tenants
from benchmarks.report import Case, Report
from benchmarks.runs.request import counted, prepare
from benchmarks.workers import Worker, crew

#: Tenants with a database or a schema, whose connections are open; the others are rows.
LIVE = 8
#: More aliases than this no process can be told of; and each request would walk over them, many times.
MOST_STATIC = 10_000
TITLE = "Hooks of a request"
METHOD = (
    "signals: request_started and request_finished are sent, as a server does for each request. middleware: a request",
    f"goes through the peer's own middleware to an empty view and back. Requests are for {LIVE} tenants in turn, whose",
    "connections are open; 1,000 hosts were looked up before. All others are rows of the registry. CPU of the process.",
    "The schema libraries look up the host in their database for each request. Static DATABASES grow with the",
    f"tenants, and are not measured beyond {MOST_STATIC:,}.",
)


def run(bench: Bench) -> Report:
    """Register more and more tenants, and measure after each step."""
    prepare(bench, [plain, ours, tenants, pgschemas], benchmark="hooks", count=min(LIVE, max(bench.scale.registered)))
    members = [(peer, bench.configuration(peer, **options_of(peer))) for peer in (plain, ours, tenants, pgschemas)]
    with crew(members, logs=bench.directory) as workers:
        return Report("hooks", TITLE, METHOD, [measure(bench, workers, count) for count in bench.scale.registered])


def measure(bench: Bench, workers: list[Worker], registered: int) -> Case:
    """Bring the registries to so many rows, and measure."""
    live = min(LIVE, registered)
    first = max((count for count in bench.scale.registered if count < registered), default=0)
    for worker in workers:
        if registered > LIVE and worker.peer is not plain:
            worker.call("hooks.register", first=max(first, LIVE), last=registered)
        worker.call("requests.meet", tenants=live)
        worker.call("hooks.know", registered=registered)
    names = ["x"] * registered
    others = [(static, bench.configuration(static, **options_of(static), databases=names))] * (
        registered <= MOST_STATIC
    )
    with crew(others, logs=bench.directory) as more:
        title = f"{counted(registered)} registered"
        return bench.rounds(title, [*workers, *more], "hooks.hooks", live=live, loops=bench.scale.loops)


def options_of(peer: Peer) -> dict[str, object]:
    """What all cases have in common."""
    return {"database": f"hooks_{peer.key}", "conn_max_age": None}
