"""Requests, made by calling the WSGI application in the process of a peer."""

from __future__ import annotations

import io
import json
from typing import Any

from django.core.wsgi import get_wsgi_application

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class WrongAnswerError(Exception):
    """A peer answered something else than the tenant's page: its figures would mean nothing."""


class Visitor:
    """Asks a site for pages, as a server would: each response is read to its end and closed."""

    def __init__(self) -> None:
        self.application: Any = get_wsgi_application()

    def ask(self, host: str, path: str = "/") -> bytes:
        """The body of a page. Raises WrongAnswerError for any status but 200."""
        told: list[str] = []
        response = self.application(environ_of(host, path), lambda status, headers: told.append(status))
        try:
            body = b"".join(response)
        finally:
            response.close()
        if told != ["200 OK"]:
            raise WrongAnswerError(f"{host}{path} was answered with {told}: {body[:500]!r}")
        return body

    def check(self, host: str, tenant: str) -> None:
        """Raise WrongAnswerError unless a host's page is this tenant's."""
        answer = json.loads(self.ask(host))
        if answer["tenant"] != tenant or answer["total"] != 190 or len(answer["latest"]) != 10:
            raise WrongAnswerError(f"{host} answered {answer}, and {tenant!r} was asked for.")


def environ_of(host: str, path: str = "/") -> dict[str, Any]:
    """What a server tells of a request."""
    return {**ENVIRON, "HTTP_HOST": host, "PATH_INFO": path, "wsgi.input": io.BytesIO(), "wsgi.errors": None}
