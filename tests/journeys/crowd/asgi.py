"""The crowd's site for uvicorn and daphne. Each answer says which worker gave it, and where its task was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django
from django.core.asgi import get_asgi_application

from multi_tenant import current_alias
from tests.journeys.crowd import faults
from tests.journeys.crowd.report import report
from tests.journeys.worker import BEFORE, signature

django.setup()
faults.commit()
site: Any = get_asgi_application()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    before = str(current_alias())

    async def send_signed(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            signed = [(name.lower().encode(), value.encode()) for name, value in (signature(), (BEFORE, before))]
            message = {**message, "headers": [*message["headers"], *signed]}
        await send(message)

    try:
        await site(scope, receive, send_signed)
    finally:
        if str(current_alias()) != before:
            report("left", before, current_alias())
