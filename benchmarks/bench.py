"""One run of the benchmarks: its server, its directory, its scale; each benchmark is given it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.peers import Peer
from benchmarks.project import ledgers
from benchmarks.project.configuration import Configuration
from benchmarks.report import Case, Costs, Subject, table
from benchmarks.workers import Worker


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    tenants: tuple[int, ...] = (1, 50, 500)
    registered: tuple[int, ...] = (1, 100, 10_000, 100_000)
    rounds: int = 5
    #: Requests in a round that opens a connection for each, and in one that does not.
    fresh: int = 50
    kept: int = 200
    loops: int = 1000
    created: int = 9
    #: Tenants in memory: with a connection, and looked up alone.
    connected: int = 100
    known: int = 4000
    #: Rounds of visits over HTTP, and their seconds.
    visits: int = 3
    seconds: float = 2


SMOKE = Scale(
    tenants=(1, 3),
    registered=(1, 10),
    rounds=1,
    fresh=3,
    kept=6,
    loops=10,
    created=1,
    connected=4,
    known=8,
    visits=1,
    seconds=0.5,
)


@dataclass(frozen=True)
class Bench:
    """What a benchmark runs on."""

    url: str
    directory: Path
    scale: Scale
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Show how far it is."""
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def database(self, name: str) -> str:
        """Make an empty database; answers its name."""
        with psycopg.connect(self.url, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def ledgers(self) -> str:
        """Where the package of many migrations is, which is written at the first use."""
        directory = self.directory / "ledgers"
        if not directory.exists():
            ledgers.write(directory)
        return str(directory)

    def configuration(self, peer: Peer, **options: Any) -> Configuration:
        """A peer's configuration; its own options come last."""
        return Configuration(**{"url": self.url, **options, **peer.options})

    def rounds(
        self, case: str, crew: Sequence[Worker], function: str, *, count: int = 0, baseline: str = "", **options: Any
    ) -> Case:
        """Have each worker do the same in turn, round by round: A B C A B C."""
        figures: dict[str, list[Costs]] = {worker.peer.title: [] for worker in crew}
        for _ in range(count or self.scale.rounds):
            for worker in crew:
                figures[worker.peer.title].append(worker.call(function, **options))
        return self.done(Case(case, [Subject(title, rounds) for title, rounds in figures.items()], baseline))

    def done(self, case: Case) -> Case:
        """Show what was measured just now: a run takes minutes."""
        self.say("\n".join(["", *table(case), ""]))
        return case
