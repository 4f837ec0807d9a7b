"""Processes of peers, and calls to them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.environments import python_of
from benchmarks.peers import Peer
from benchmarks.project.configuration import Configuration

ROOT = Path(__file__).resolve().parent.parent
TAIL = 4000


class WorkerDiedError(Exception):
    """A peer's process ended in the middle of a call; the text is the end of what it said."""


class Worker:
    """One process of a peer, which does one thing at a time and nothing unasked."""

    def __init__(self, peer: Peer, configuration: Configuration, *, log: Path) -> None:
        self.peer = peer
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [python_of(peer), "-m", "benchmarks.worker", peer.site],
                cwd=ROOT,
                env=environment_of(peer, configuration),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
            )

    def call(self, function: str, **options: Any) -> Any:
        """Call a function of `benchmarks.measures`. Raises WorkerDiedError."""
        assert self.process.stdin is not None  # both are pipes
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps([f"benchmarks.measures.{function}", options]) + "\n")
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            raise WorkerDiedError(f"{self.peer.title}: {self.log.read_text(errors='replace')[-TAIL:]}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        with self.process:
            if exc is not None:
                self.process.kill()


def environment_of(peer: Peer, configuration: Configuration) -> dict[str, str]:
    """The environment of a peer's processes: nothing of Django's or Python's comes from outside."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON", "PG"))}
    path = os.pathsep.join(filter(None, (str(ROOT), configuration.ledgers)))
    settings = {"DJANGO_SETTINGS_MODULE": peer.settings} if peer.settings else {}
    return {**outside, **configuration.to_environment(), **settings, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


@contextmanager
def crew(members: list[tuple[Peer, Configuration]], *, logs: Path) -> Iterator[list[Worker]]:
    """A process for each peer, at the same time."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Worker(peer, configuration, log=logs / f"{peer.key}.log"))
            for peer, configuration in members
        ]
