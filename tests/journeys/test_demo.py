"""The demo does what the README says of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from sample_site import demo_check, embedded_postgres
from sample_site.demo_data import TEAMS
from sample_site.state import State
from tests.journeys.site import ROOT, TIMEOUT_SECONDS
from tests.settings import PUBLIC

ENGINE = ["--postgres"] if PUBLIC == "postgres" else []


COMMAND = [sys.executable, "sample_site/demo.py"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        cwd=ROOT,
        env=ENVIRONMENT,
        text=True,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )


def test_each_tenant_of_the_demo_shows_its_own_notes() -> None:
    finished = demo("--check", *ENGINE)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    lines = [line for line in finished.stdout.splitlines() if ".localhost" in line]
    assert [line.split()[0] for line in lines] == ["acme", "bolt", "corner"]
    assert all("ok" in line for line in lines)


def test_a_port_in_use_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = demo("--port", str(port))
    assert finished.returncode == 1
    assert finished.stderr == f"demo: port {port} cannot be had: Address already in use. Choose another with --port.\n"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for a demo; its PostgreSQL may have its files elsewhere."""
    yield tmp_path
    embedded_postgres.remove(State(tmp_path))


def test_ctrl_c_stops_all_of_the_demo_and_the_next_one_finds_its_tenants(directory: Path) -> None:
    first, port = shown_until_ctrl_c(directory)
    with socket.socket() as knock:
        assert knock.connect_ex(("127.0.0.1", port))
    assert not is_postgres_up(directory)
    second, _ = shown_until_ctrl_c(directory)
    assert first.count(" / ") == 1 + sum(len(team.members) for team in TEAMS)
    assert logins(first) == logins(second)
    assert {path.stat().st_mode & 0o77 for path in directory.glob("*.json")} == {0}, "secrets are for their owner"
    assert secrets_in(first, directory) == set(State(directory).passwords([]).values())


def test_a_tenant_that_shows_the_notes_of_others_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    page = "".join(title for team in TEAMS for title in team.titles)
    with answering(page) as port:
        assert demo_check.ask_each(port) == 1
    assert capsys.readouterr().out.count("FAILED: notes of others") == len(TEAMS)


def test_a_tenant_without_its_notes_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    with answering("nothing") as port:
        assert demo_check.ask_each(port) == 1
    assert capsys.readouterr().out.count("FAILED: not on its page") == len(TEAMS)


def shown_until_ctrl_c(directory: Path) -> tuple[str, int]:
    """Run the demo until it has shown its addresses, press Ctrl-C; what it showed, and its port."""
    with subprocess.Popen(
        [*COMMAND, "--port=0", *ENGINE],
        cwd=ROOT,
        env={**ENVIRONMENT, "DEMO_DIR": str(directory)},
        text=True,
        stdout=subprocess.PIPE,
        process_group=0,  # as a terminal has it: Ctrl-C is for the demo and its server alike
    ) as process:
        assert process.stdout is not None
        shown = ""
        while "Ctrl-C" not in shown:
            line = process.stdout.readline()
            assert line, f"The demo ended: {shown}"
            shown += line
        assert is_postgres_up(directory) == (PUBLIC == "postgres")
        assert "sample_site/demo.py" in process_list()
        assert not secrets_in(process_list(), directory)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(TIMEOUT_SECONDS) == 130
    return shown, int(shown.partition("http://localhost:")[2].partition("/")[0])


def process_list() -> str:
    return " ".join(" ".join(found.info["cmdline"] or []) for found in psutil.process_iter(["cmdline"]))


def secrets_in(text: str, directory: Path) -> set[str]:
    """Which of a demo's keys and passwords a text holds."""
    state = State(directory)
    made = {**state.environment(), **state.passwords([]), **state.recall("postgres", {}).get("passwords", {})}
    del made["DEMO_DIR"]
    made.pop("DEMO_PROGRAMS", None)
    return {secret for secret in made.values() if secret in text}


def is_postgres_up(directory: Path) -> bool:
    """Whether a demo's PostgreSQL runs, if it has one."""
    return PUBLIC == "postgres" and embedded_postgres.Server.of(State(directory)).is_up()


def logins(shown: str) -> list[str]:
    return [line.split("(")[0].strip() for line in shown.splitlines() if " / " in line]


@contextmanager
def answering(page: str) -> Iterator[int]:
    """A server with one page for all; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
