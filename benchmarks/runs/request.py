"""What a request costs: reads and a write in a tenant, one tenant after the other."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.peers import PLAIN, Peer, ours, pgschemas, plain, static, tenants, variant
from benchmarks.report import Case, Report
from benchmarks.workers import Worker, crew

DEFAULT_CAP = 20
TITLE = "CPU of a request"
METHOD = (
    "The WSGI application is called in the peer's own process, with the middleware of Django's project template; the",
    "page does three reads and one write. Each request is for the next tenant. CPU is the process's own (user and",
    "system), without the database server's. One thread. Rounds are interleaved; the figure is their median, and the",
    "ratio the median of the rounds' ratios. Plain Django has one database, and so has each schema library.",
    "fresh: CONN_MAX_AGE=0, each request opens its connection.",
    "kept: CONN_MAX_AGE=None; ours with MAX_CONNECTIONS_PER_THREAD as high as the tenants are many, and with its",
    f"default of {DEFAULT_CAP}: with more tenants than that, each request closes a connection to open another.",
    "limited: TENANT_LIMIT_SET_CALLS and PGSCHEMAS_LIMIT_SET_CALLS, which are off by default.",
    "The schema libraries' tenants hold the page's tables alone.",
)


@dataclass(frozen=True)
class Regime:
    """How long connections live, and how many of ours."""

    title: str
    conn_max_age: int | None
    cap: int
    requests: int


def run(bench: Bench) -> Report:
    """Prepare each peer's tenants once, then measure them in each regime."""
    peers, count = [plain, ours, tenants, pgschemas], max(bench.scale.tenants)
    databases = prepare(bench, peers, benchmark="request", count=count)
    cases = [
        measure(bench, count, regime, databases) for count in bench.scale.tenants for regime in regimes(bench, count)
    ]
    return Report("request", TITLE, METHOD, cases)


def prepare(bench: Bench, peers: list[Peer], *, benchmark: str, count: int) -> tuple[str, ...]:
    """Make the tenants of each peer; answers our databases."""
    databases: tuple[str, ...] = ()
    for peer in peers:
        configuration = bench.configuration(peer, database=bench.database(f"{benchmark}_{peer.key}"))
        with Worker(peer, configuration, log=bench.directory / f"{peer.key}.log") as worker:
            databases = tuple(worker.call("requests.prepare", count=count)) or databases
        bench.say(f"{peer.title} has {count} tenants")
    return databases


def regimes(bench: Bench, count: int) -> list[Regime]:
    """The regimes for so many tenants."""
    return [
        Regime(f"{counted(count)}, fresh connections", 0, DEFAULT_CAP, bench.scale.fresh),
        Regime(f"{counted(count)}, kept connections", None, max(DEFAULT_CAP, count), bench.scale.kept),
    ]


def measure(bench: Bench, count: int, regime: Regime, databases: tuple[str, ...]) -> Case:
    """Let the peers serve the same tenants under one regime."""
    members = [
        (
            peer,
            bench.configuration(
                peer,
                database=name_of(plain if peer is static else peer),
                conn_max_age=regime.conn_max_age,
                cap=regime.cap,
                databases=databases[:count] if peer is static else (),
            ),
        )
        for peer in subjects(regime)
    ]
    with crew(members, logs=bench.directory) as workers:
        for worker in workers:
            worker.call("requests.meet", tenants=count)
        options = {"tenants": count, "requests": regime.requests}
        return bench.rounds(regime.title, workers, "requests.visit", baseline=PLAIN, **options)


def subjects(regime: Regime) -> list[Peer]:
    """Who is measured in a regime; the cap means nothing where no connection is kept."""
    capped = [variant(ours, f"cap {DEFAULT_CAP}", cap=DEFAULT_CAP)] if regime.cap > DEFAULT_CAP else []
    limited = [variant(peer, "limited", tuned=True) for peer in (tenants, pgschemas)]
    return [plain, static, ours, *capped, tenants, limited[0], pgschemas, limited[1]]


def name_of(peer: Peer) -> str:
    """The name of a peer's database."""
    return f"request_{peer.key}"


def counted(count: int) -> str:
    """Tenants, in words."""
    return "1 tenant" if count == 1 else f"{count:,} tenants"
