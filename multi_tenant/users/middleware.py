"""The middleware that lets nobody but members be somebody in a tenant; it stands after Django's authentication."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from multi_tenant.conf import conf
from multi_tenant.context import active_place, fixed_context
from multi_tenant.middleware.body import keep_in_place
from multi_tenant.middleware.pages import REFUSALS, refusal_page
from multi_tenant.middleware.tenant import is_health_check
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.resolvers.chain import make_resolver
from multi_tenant.users.binding import is_readable
from multi_tenant.users.entering import enter, onward_visit
from multi_tenant.users.members import checked


class MemberMiddleware:
    """Replaces ``request.user`` and ``request.auser`` by the member, by the platform's user on the public site.

    There it also asks MEMBER_RESOLVERS for the tenant that a visitor is to be taken to. A tenant that was only selected
    by the sender of the request is open to members alone, but for views that ask for no login.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.resolvers: Any = [make_resolver(item, setting="MEMBER_RESOLVERS") for item in conf.MEMBER_RESOLVERS]
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        replace_user(request)
        if self.is_async:
            return self.__acall__(request)
        try:
            visit = self.go_on(request)
        except REFUSALS as exc:
            return refusal_page(exc)
        if visit is None:
            response = self.get_response(request)
        else:
            with visit:
                response = self.get_response(request)
            keep_in_place(response, visit)
        spare_cookie(request)
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            visit = await self.ago_on(request)
        except REFUSALS as exc:
            return await sync_to_async(refusal_page)(exc)
        if visit is None:
            response = await self.get_response(request)
        else:
            with visit:
                response = await self.get_response(request)
            keep_in_place(response, visit)
        spare_cookie(request)
        return response  # type: ignore[no-any-return]  # what a middleware answers

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> Any:
        """The way to the login page, in a tenant that was only selected, for whoever is no member."""
        if not getattr(request, "tenant_is_selected", False) or not getattr(view, "login_required", True):
            return None
        if request.user.is_authenticated:
            return None
        return LoginRequiredMiddleware(self.get_response).handle_no_permission(request, view)

    def go_on(self, request: HttpRequest) -> onward_visit | None:
        """The visit to the tenant that the request is taken to, if it is. Raises one of REFUSALS, PermissionDenied."""
        if not self.resolvers or active_place.get().alias != PUBLIC or is_health_check(request):
            return None
        return enter(request, (resolver.resolve(request) for resolver in self.resolvers))

    async def ago_on(self, request: HttpRequest) -> onward_visit | None:
        """``go_on`` for coroutines."""
        if not self.resolvers or active_place.get().alias != PUBLIC or is_health_check(request):
            return None
        for resolver in self.resolvers:
            aresolve = getattr(resolver, "aresolve", None) or sync_to_async(resolver.resolve)
            claim = await aresolve(request)
            if claim is not None:
                return await sync_to_async(enter)(request, [claim])
        return None


def replace_user(request: Any) -> None:
    """Have the request answer a checked user, found when it is first asked for, in the place where the request is."""
    given, agiven, here = request.user, request.auser, fixed_context(active_place.get())

    @here
    def find() -> Any:
        return checked(given) or AnonymousUser()

    @here
    async def auser() -> Any:
        if not hasattr(request, "_achecked_user"):
            user = await agiven()
            request._achecked_user = await sync_to_async(checked)(user) or AnonymousUser()
        return request._achecked_user

    request.user = SimpleLazyObject(find)
    request.auser = auser


def spare_cookie(request: Any) -> None:
    """Keep Django from deleting a cookie that may lead to a session of another tenant: paths share cookies."""
    session, name = getattr(request, "session", None), conf.SESSION_COOKIE_NAME
    key = request.COOKIES.get(name)
    if session is not None and key and not session.modified and session.is_empty() and not is_readable(session, key):
        del request.COOKIES[name]
