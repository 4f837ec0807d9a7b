"""The sample site for uvicorn; each answer says which worker gave it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sample_site.asgi import application as sample_site
from tests.journeys.worker import signature


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    async def send_signed(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            name, value = signature()
            message = {**message, "headers": [*message["headers"], (name.lower().encode(), value.encode())]}
        await send(message)

    await sample_site(scope, receive, send_signed)
