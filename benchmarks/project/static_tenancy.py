"""What a project writes that keeps its tenants in DATABASES."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

alias_of_request: ContextVar[str | None] = ContextVar("benchmarks.static_tenancy", default=None)


def tenant_of_host(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], Any]:
    """Middleware: the first label of the host is the alias."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        token = alias_of_request.set(request.get_host().partition(".")[0])
        try:
            return get_response(request)
        finally:
            alias_of_request.reset(token)

    return middleware


class StaticRouter:
    """Sends everything to the request's alias."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return alias_of_request.get()

    db_for_write = db_for_read
