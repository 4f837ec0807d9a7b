"""The PostgreSQL of a run: the one that pip brings, over TCP, with a password that SCRAM asks for.

Run as a script it keeps the server until its owner ends, however that is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import server_processes

ROOT = Path(__file__).resolve().parent.parent
WAIT_SECONDS = 120
#: Two peers keep a connection for each of 500 tenants. The rest is as PostgreSQL has it, where the tests spare it.
SETTINGS = {"max_connections": "1200", "shared_buffers": "512MB", "autovacuum": "on", "scram_iterations": "4096"}


class ServerFailedError(Exception):
    """The server did not start; the text says why."""


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """Run a server with its files in a directory; gives the URL of its superuser."""
    files = directory / "postgres"
    files.mkdir()
    command = [sys.executable, "-m", "benchmarks.server", str(files), str(os.getpid())]
    keeper = subprocess.Popen(command, cwd=ROOT)
    try:
        yield published(files, keeper)
    finally:
        keeper.terminate()
        keeper.wait()


def published(files: Path, keeper: subprocess.Popen[bytes]) -> str:
    """The URL, as soon as the server answers."""
    url, reason = files.with_suffix(".url"), files.with_suffix(".reason")
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and keeper.poll() is None:
        if url.exists():
            return url.read_text()
        time.sleep(0.05)
    raise ServerFailedError(reason.read_text() if reason.exists() else "The server did not start in time.")


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for one run, which the server's account may pass through."""
    with tempfile.TemporaryDirectory(prefix="multi-tenant-benchmarks-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


if __name__ == "__main__":
    server_processes.POSTGRES_SETTINGS.update(SETTINGS)
    server_processes.MEMORY_NEEDED = sys.maxsize  # on the disk, as servers are
    server_processes.main("postgres", Path(sys.argv[1]), int(sys.argv[2]))
