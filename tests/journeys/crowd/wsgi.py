"""The crowd's site for gunicorn. Each answer says which worker gave it, and where its thread was before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.wsgi import get_wsgi_application

from multi_tenant import current_alias
from tests.journeys.crowd import faults
from tests.journeys.crowd.report import report
from tests.journeys.worker import BEFORE, signature

django.setup()
faults.commit()
site = get_wsgi_application()
if os.environ.get("CROWD_FORKS_AFTER_USE"):
    # Imported in the parent, as `gunicorn --preload` does; its connections stay open.
    from tests.journeys.crowd import parent

    parent.use_all()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    before = str(current_alias())

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, signature(), (BEFORE, before)], *rest)

    try:
        return site(environ, start)
    finally:
        if str(current_alias()) != before:
            report("left", before, current_alias())
