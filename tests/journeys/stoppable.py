"""A PostgreSQL of a test's own, to be stopped, frozen and started again; a script that keeps it until its input ends.

The shared server of the session is nobody's to stop. The script stands between the test and the server because
somebody must be left to stop it whatever happens to the test; its input ends when the test's process does.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests import servers
from tests.server_processes import (
    POSTGRES_SETTINGS,
    ServerUnavailableError,
    init_database_cluster,
    is_up,
    reachable_programs,
    stop,
    unprivileged_account,
)

ROOT = Path(__file__).resolve().parents[2]
DONE = "done"


class StoppableServer:
    """The test's side: its URL never changes, whether it runs or not."""

    def __init__(self) -> None:
        self.directory = servers.open_session() / f"stoppable-{secrets.token_hex(4)}"
        self.directory.mkdir()
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.stoppable", str(self.directory)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._answer()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._keeper.communicate()

    def start(self) -> None:
        """Have it answer; nothing to do where it does."""
        self._tell("start")

    def stop(self) -> None:
        """End it as a machine's shutdown does: sessions are ended, connections refused."""
        self._tell("stop")

    def freeze(self) -> None:
        """Have it take connections and answer nothing, as behind a network that drops everything."""
        self._tell("freeze")

    def thaw(self) -> None:
        """Have it go on where it was."""
        self._tell("thaw")

    def _tell(self, command: str) -> None:
        assert self._keeper.stdin is not None
        print(command, file=self._keeper.stdin, flush=True)
        answer = self._answer()
        assert answer == DONE, answer

    def _answer(self) -> str:
        assert self._keeper.stdout is not None
        return self._keeper.stdout.readline().rstrip()


class Keeper:
    """The script's side: the process of the server, if there is one."""

    def __init__(self, directory: Path, port: int) -> None:
        self.account = unprivileged_account()
        self.programs = reachable_programs(directory, account=self.account)
        self.directory = directory
        self.port = port
        self.password = secrets.token_urlsafe(16)
        init_database_cluster(self.programs, directory / "data", password=self.password, account=self.account)
        self.process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        if self.process is not None:
            return
        settings = [f"--{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
        command = [str(self.programs / "postgres"), "-D", str(self.directory / "data"), "-p", str(self.port), *settings]
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, **self.account)
        self.process = process
        if not is_up(process, self.is_ready):
            raise ServerUnavailableError((self.directory / "log").read_text(errors="replace")[-500:])

    def is_ready(self) -> bool:
        with suppress(FileNotFoundError):
            return (self.directory / "data" / "postmaster.pid").read_text().rstrip().endswith("ready")
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.thaw()
            stop(self.process, signal.SIGINT)
            self.process = None

    def freeze(self) -> None:
        self.each_process(psutil.Process.suspend)

    def thaw(self) -> None:
        self.each_process(psutil.Process.resume)

    def each_process(self, act: Callable[[psutil.Process], None]) -> None:
        """Do it to the server's first process, which starts no more of them when it is frozen, and then to the rest."""
        if self.process is None:
            return
        parent = psutil.Process(self.process.pid)
        act(parent)
        for child in parent.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # a session that has just ended
                act(child)


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that is nobody else's while the server is down: bound, yet not listened to, so that it refuses."""
    with socket.socket() as placeholder:
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so PostgreSQL may bind to it, too
        placeholder.bind(("127.0.0.1", 0))
        yield placeholder.getsockname()[1]


def main(directory: Path) -> None:
    """Do what the input says, line by line, and stop the server at its end."""
    with reserved_port() as port:
        keeper = Keeper(directory, port)
        print(f"postgresql://postgres:{keeper.password}@127.0.0.1:{port}/postgres", flush=True)
        try:
            for line in sys.stdin:
                getattr(keeper, line.strip())()
                print(DONE, flush=True)
        finally:
            keeper.stop()
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the test, and ends our input
    main(Path(sys.argv[1]))
