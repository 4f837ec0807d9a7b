"""Many clients at once, each on a connection that it keeps, who ask for pages of all tenants in turn."""

from __future__ import annotations

import http.client
import itertools
import math
import random
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.journeys.server import Server
from tests.journeys.site import TIMEOUT_SECONDS
from tests.journeys.worker import BEFORE, HEADER

CLIENTS = 12
#: How many pages are asked for at least.
PAGES = 100


@dataclass(frozen=True)
class Page:
    """What was answered to one client."""

    alias: str
    path: str
    status: int
    text: str
    worker: str
    before: str


def crowd(server: Server, aliases: Sequence[str], paths: Sequence[str]) -> list[Page]:
    """Ask for each page of each tenant several times, by all clients at once, in another order by each."""
    each = list(itertools.product(aliases, paths))
    wishes = each * math.ceil(PAGES / len(each))
    random.Random(server.port).shuffle(wishes)
    shares = [wishes[client::CLIENTS] for client in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        return [page for pages in clients.map(lambda share: browse(server, share), shares) for page in pages]


def browse(server: Server, wishes: Sequence[tuple[str, str]]) -> list[Page]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_SECONDS)
    try:
        pages = []
        for alias, path in wishes:
            pages.append(page_of(connection, server.port, alias, path))
            if not pages[-1].status:
                break
        return pages
    finally:
        connection.close()


def page_of(connection: http.client.HTTPConnection, port: int, alias: str, path: str) -> Page:
    try:
        connection.request("GET", path, headers={"Host": f"{alias}.localhost:{port}"})
        response = connection.getresponse()
        text = response.read().decode()
    except (http.client.HTTPException, OSError) as exc:  # an answer like any: it is judged with the others
        connection.close()
        return Page(alias, path, 0, f"{type(exc).__name__}: {exc}", "", "")
    return Page(alias, path, response.status, text, response.headers[HEADER], response.headers[BEFORE])


def go_away(server: Server, alias: str, path: str) -> str:
    """Begin to read a body, and hang up; what was read of it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {alias}.localhost:{server.port}\r\n\r\n".encode())
        read = b""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while b"=" not in read.partition(b"\r\n\r\n")[2] and time.monotonic() < deadline:
            part = client.recv(4096)
            if not part:
                break
            read += part
    return read.partition(b"\r\n\r\n")[2].decode()
