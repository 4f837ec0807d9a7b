"""A request's stay at its place, under its script prefix; entered by the middleware and for each step of a body."""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import Self

from django.http import HttpRequest
from django.urls import get_script_prefix, set_script_prefix

from multi_tenant.conf import conf
from multi_tenant.context import Place, fixed_context

#: Whether the running code is that of a request in a tenant, or a step of its response's body.
visiting: ContextVar[bool] = ContextVar("multi_tenant.visiting", default=False)


class visit_context(fixed_context):  # noqa: N801  # used like a function, as all contexts are
    """Runs a block at a place and, if one is given, under a script prefix; both are restored by value."""

    def __init__(self, place: Place, script: str | None = None) -> None:
        super().__init__(place)
        self.script = script

    def again(self) -> Self:
        return type(self)(self.place, self.script)

    def _enter(self, place: Place) -> None:
        super()._enter(place)
        self._visiting_before = visiting.get()
        visiting.set(place.is_tenant)
        if self.script is not None:
            self._script_before = get_script_prefix()
            set_script_prefix(self.script)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self.script is not None:
            set_script_prefix(self._script_before)
        visiting.set(self._visiting_before)
        super().__exit__(kind, exc, tb)


def move_prefix(request: HttpRequest, prefix: str) -> str:
    """Move the beginning of the path into the request's script name, as a server does for a site mounted there.

    Answers the script prefix that ``reverse()`` is to put in front.
    """
    # Django works these out from the script prefix at their first use and keeps them: it must be the deployment's.
    conf.settle_asset_urls()
    script = request.META.get("SCRIPT_NAME", "").rstrip("/") + prefix
    request.path_info = request.path_info.removeprefix(prefix) or "/"
    request.path = script + request.path_info
    # A copy: under WSGI it is the server's own environ, which outer layers go on reading.
    request.META = {**request.META, "SCRIPT_NAME": script, "PATH_INFO": request.path_info}
    return f"{script}/"
