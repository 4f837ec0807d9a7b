"""Requests through Django's real handlers, as servers call them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock
from urllib.parse import unquote

from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import AsyncClient, Client, RequestFactory


class HostClient(AsyncClient):
    """Django's own always sends ``testserver`` as the first of two hosts."""

    def __init__(self, host: str, **options: Any) -> None:
        super().__init__(**options)
        self.host = host.encode()

    def _base_scope(self, **request: Any) -> Any:
        scope: dict[str, Any] = super()._base_scope(**request)  # type: ignore[misc]  # Django's own, not in the stubs
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        return {**scope, "headers": [(b"host", self.host), *others]}


def get(path: str, host: str, mode: str, **options: Any) -> Any:
    """The response that Django's test client gets, by WSGI (``sync``) or ASGI (``async``)."""
    if mode == "sync":
        return Client(raise_request_exception=False).get(path, headers={"host": host}, **options)
    return async_to_sync(HostClient(host, raise_request_exception=False).get)(path, **options)


@contextmanager
def connections_kept() -> Iterator[None]:
    """The connection that holds the test's transaction outlives the request, as in Django's test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@connections_kept()
def wsgi(host: str, path: str, **environ: Any) -> tuple[int, str]:
    """Status and body by WSGI."""
    start_response = Mock()
    request = {**RequestFactory().get(path, headers={"host": host}).environ, **environ}
    response = WSGIHandler()(request, start_response)
    try:
        body = b"".join(response)
    finally:
        response.close()
    status = start_response.call_args.args[0]
    return int(status.split()[0]), body.decode()


def scope_of(host: str, path: str) -> dict[str, Any]:
    """A request as an ASGI server describes it."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": unquote(path),
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "client": ("127.0.0.1", 1234),
    }


@connections_kept()
def asgi(host: str, path: str, *, parts: int | None = None) -> tuple[int, str]:
    """Status and body by ASGI; the client goes away after so many ``parts`` of the body."""
    return async_to_sync(asgi_in_loop)(host, path, parts=parts)


async def asgi_in_loop(host: str, path: str, *, parts: int | None) -> tuple[int, str]:
    sent: list[Any] = []
    gone = asyncio.Event()
    begun = False

    async def receive() -> dict[str, Any]:
        nonlocal begun
        if not begun:
            begun = True
            return {"type": "http.request", "body": b""}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if parts is not None and len(sent) > parts:
            gone.set()
            await asyncio.sleep(3600)  # a client that reads no more

    await ASGIHandler()(scope_of(host, path), receive, send)
    await asyncio.sleep(0)  # for what the loop closes when it finds it dropped
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return int(sent[0]["status"]), body.decode()
