"""A server that serves the sample site while tenants come and go; it is started once and never told of them."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from tests.journeys.site import REGISTRY_TTL, ROOT, TIMEOUT_SECONDS, Site
from tests.journeys.worker import HEADER

PAUSE_SECONDS = 0.02
STOP_SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """What came back for one request, and from which worker."""

    status: int
    text: str
    worker: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]


@dataclass(frozen=True)
class Server:
    """A running server of the site, which listens on a port of 127.0.0.1."""

    port: int
    log: Path
    workers: set[str] = field(default_factory=set)

    def fetch(
        self,
        alias: str,
        path: str = "/",
        *,
        cookies: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        bearer: str = "",
    ) -> Answer:
        """Ask for a page of a tenant, or send it a form; ``alias`` is "" for the public site.

        ``bearer`` is what a program says in place of cookies, such as ``Token ...``.
        """
        host = f"{alias}.localhost".removeprefix(".")
        headers = {"Host": f"{host}:{self.port}", "Cookie": "; ".join(f"{k}={v}" for k, v in (cookies or {}).items())}
        if bearer:
            headers["Authorization"] = bearer
        body = None
        if form is not None:
            body = urlencode({"csrfmiddlewaretoken": (cookies or {}).get("csrftoken", ""), **form})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            return answer_of(connection.getresponse())
        finally:
            connection.close()

    def meet(self, *, count: int, alias: str = "", path: str = "/healthz") -> None:
        """Ask until as many workers as there should be have answered."""

        def ask() -> bool:
            self.workers.add(self.fetch(alias, path).worker)
            return len(self.workers) == count

        self.until(ask)

    def expect(self, alias: str, status: int) -> None:
        """Each worker is asked, and each gives this answer already."""
        silent = set(self.workers)

        def ask() -> bool:
            answer = self.fetch(alias)
            assert answer.status == status, self.told(f"{alias} is answered with {answer.status}")
            silent.discard(answer.worker)
            return not silent

        self.until(ask)

    def expect_within_ttl(self, alias: str, status: int) -> None:
        """Each worker gives this answer from REGISTRY_TTL on at the latest, and once it does, it stays with it."""
        changed, silent = time.monotonic(), set(self.workers)

        def ask() -> bool:
            asked = time.monotonic()
            answer = self.fetch(alias)
            if answer.status == status:
                silent.discard(answer.worker)
                return not silent
            late = asked - changed
            assert late < REGISTRY_TTL, self.told(f"{alias} is answered with {answer.status} after {late:.2f} s")
            assert answer.worker in silent, self.told(f"{alias} is answered with {answer.status} again")
            return False

        self.until(ask)

    def until(
        self,
        condition: Callable[[], bool],
        *,
        within: float = TIMEOUT_SECONDS,
        told: str = "this takes too long",
    ) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, self.told(told)
            time.sleep(PAUSE_SECONDS)

    def told(self, what: str) -> str:
        """A failure's text, with what the server said last."""
        return f"{what}; the server's log ends:\n{self.log.read_text(errors='replace')[-4000:]}"


def answer_of(response: http.client.HTTPResponse) -> Answer:
    cookies = SimpleCookie()
    for line in response.headers.get_all("Set-Cookie", []):
        cookies.load(line)
    return Answer(
        response.status,
        response.read().decode(),
        response.headers[HEADER],
        dict(response.headers),
        {name: morsel.value for name, morsel in cookies.items()},
    )


@contextmanager
def gunicorn(site: Site) -> Iterator[Server]:
    """Serve over WSGI with two workers of several threads."""

    def command(descriptor: int) -> list[str]:
        bind = f"fd://{descriptor}"
        return ["gunicorn", "--config", "python:sample_site.gunicorn_conf", "--bind", bind, "tests.journeys.wsgi"]

    with running(site, "gunicorn", command) as server:
        server.meet(count=2)
        yield server


@contextmanager
def uvicorn(site: Site) -> Iterator[Server]:
    """Serve over ASGI."""

    def command(descriptor: int) -> list[str]:
        return ["uvicorn", "--fd", str(descriptor), "--lifespan", "off", "tests.journeys.asgi:application"]

    with running(site, "uvicorn", command) as server:
        server.meet(count=1)
        yield server


@contextmanager
def running(site: Site, name: str, command: Callable[[int], list[str]]) -> Iterator[Server]:
    """Run a server on a socket that it inherits, and stop it at the end."""
    log = site.directory / f"{name}.log"
    with socket.socket() as listener, log.open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port, descriptor = listener.getsockname()[1], listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", *command(descriptor)],
            cwd=ROOT,
            env=site.environment,
            pass_fds=[descriptor],
            stdout=output,
            stderr=output,
        )
    try:
        yield Server(port, log)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
