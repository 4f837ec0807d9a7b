"""Workers of peers that need nothing but what the tests have: plain Django and ours, on SQLite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import workers
from benchmarks.peers import Peer
from benchmarks.project.configuration import Configuration
from benchmarks.workers import Worker

#: The harness has PostgreSQL's driver; an environment without any extra has not.
collect_ignore = [] if find_spec("psycopg") else ["test_command_line.py", "test_project.py"]
Start = Callable[[Peer], Worker]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the process of a peer, with the Python of the tests in place of an environment of its own."""
    monkeypatch.setattr(workers, "python_of", lambda peer: sys.executable)
    with ExitStack() as stack:

        def start(peer: Peer) -> Worker:
            configuration = Configuration(url="", database=str(tmp_path / f"{peer.key}.sqlite3"), conn_max_age=None)
            return stack.enter_context(Worker(peer, configuration, log=tmp_path / "log"))

        yield start
