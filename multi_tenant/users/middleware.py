"""The middleware that lets nobody but members be somebody in a tenant; it stands after Django's authentication."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from multi_tenant.users.members import checked


class MemberMiddleware:
    """Replaces ``request.user`` and ``request.auser`` by the member, by the platform's user on the public site."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        replace_user(request)
        return self.get_response(request)


def replace_user(request: Any) -> None:
    """Have the request answer a checked user, found when it is first asked for."""
    given, agiven = request.user, request.auser

    def find() -> Any:
        return checked(given) or AnonymousUser()

    async def auser() -> Any:
        if not hasattr(request, "_checked_user"):
            user = await agiven()
            request._checked_user = await sync_to_async(checked)(user) or AnonymousUser()
        return request._checked_user

    request.user = SimpleLazyObject(find)
    request.auser = auser
