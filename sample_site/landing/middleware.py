"""The public site has URLs of its own; a tenant that one was taken to from there has those of all tenants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def public_urls(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Choose the URLs by whether a tenant was found; stands below each middleware that finds one."""
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> Any:
            choose(request)
            return await get_response(request)

        return amiddleware

    def middleware(request: HttpRequest) -> Any:
        choose(request)
        return get_response(request)

    return middleware


def choose(request: HttpRequest) -> None:
    is_public = request.tenant is None  # type: ignore[attr-defined]  # TenantMiddleware sets it
    request.urlconf = "sample_site.landing.urls" if is_public else settings.ROOT_URLCONF
