"""What a tenant takes of a process's memory."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.peers import ours, static
from benchmarks.report import Case, Costs, Report, Subject
from benchmarks.runs.request import prepare
from benchmarks.workers import Worker, crew

#: Tenants in a round, as parts of those that are made.
ROUNDS = 4
TITLE = "Memory"
METHOD = (
    "What the process of a peer grows by (its resident memory, after a collection of garbage), for each tenant.",
    "looked up: the middleware has found the tenant, with its decrypted entry, and no connection was made.",
    "connected: its page was asked for, and the connection is kept. PostgreSQL's own process is not counted.",
)


def run(bench: Bench) -> Report:
    """Meet tenants, some at a time; the first of them pay for what all share, and are not counted."""
    scale = bench.scale
    databases = prepare(bench, [ours], benchmark="memory", count=scale.connected)
    options = {"database": "memory_ours", "conn_max_age": None, "cap": scale.connected}
    peers = [
        (ours, bench.configuration(ours, **options)),
        (static, bench.configuration(static, **options, databases=databases)),
    ]
    with crew(peers, logs=bench.directory) as workers:
        connected = grown(bench, "connected", workers, "memory.connect", first=0, last=scale.connected)
    last = scale.connected + scale.known
    with crew(peers[:1], logs=bench.directory) as workers:
        # Another process: the room that is free again where rows were written would take what is read.
        workers[0].call("hooks.register", first=scale.connected, last=last, placed=True)
    with crew(peers[:1], logs=bench.directory) as workers:
        known = grown(bench, "looked up", workers, "memory.know", first=scale.connected, last=last)
    return Report("memory", TITLE, METHOD, [known, connected])


def grown(bench: Bench, case: str, crew: list[Worker], function: str, *, first: int, last: int) -> Case:
    """What each worker grows by, round by round, without the first round."""
    step = max(1, (last - first) // ROUNDS)
    bounds = [(start, start + step) for start in range(first, last - step + 1, step)]
    figures: dict[str, list[Costs]] = {worker.peer.title: [] for worker in crew}
    for start, end in bounds:
        for worker in crew:
            figures[worker.peer.title].append(worker.call(function, first=start, last=end))
    return bench.done(Case(case, [Subject(title, rounds[1:]) for title, rounds in figures.items()]))
