"""A peer's site behind gunicorn, and visitors of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import python_of
from benchmarks.peers import Peer
from benchmarks.project.configuration import Configuration
from benchmarks.report import Costs
from benchmarks.workers import ROOT, TAIL, environment_of

VISITORS = 8


class WrongAnswersError(Exception):
    """Visitors were refused; the text is the end of the site's log."""


class Gunicorn:
    """A running site."""

    def __init__(self, peer: Peer, port: int, log: Path) -> None:
        self.peer = peer
        self.port = port
        self.log = log

    def visited(self, *, tenants: int, seconds: float) -> Costs:
        """What visitors had of it in so many seconds. Raises WrongAnswersError."""
        arguments = map(str, (self.port, tenants, VISITORS, seconds))
        command = [sys.executable, "-m", "benchmarks.load", *arguments]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        told = json.loads(done.stdout)
        if told["failures"]:
            raise WrongAnswersError(f"{self.peer.title}: {self.log.read_text(errors='replace')[-TAIL:]}")
        figures: Costs = told["figures"]
        return figures


@contextmanager
def serving(peer: Peer, configuration: Configuration, *, log: Path) -> Iterator[Gunicorn]:
    """Serve until the end of the block, on a port that nobody else can take meanwhile."""
    with socket.socket() as listener, log.open("ab") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        descriptor = listener.fileno()
        options = ["--config", "python:benchmarks.project.gunicorn_conf", "--bind", f"fd://{descriptor}"]
        process = subprocess.Popen(
            [python_of(peer), "-m", "gunicorn", *options, "benchmarks.project.wsgi"],
            cwd=ROOT,
            env=environment_of(peer, configuration),
            pass_fds=[descriptor],
            stdout=output,
            stderr=output,
        )
        try:
            yield Gunicorn(peer, listener.getsockname()[1], log)
        finally:
            process.terminate()
            process.wait()
