"""The sample site for gunicorn; each answer says which worker gave it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sample_site.wsgi import application as sample_site
from tests.journeys.worker import signature


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, signature()], *rest)

    return sample_site(environ, start)
