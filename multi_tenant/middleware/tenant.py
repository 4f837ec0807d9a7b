"""The middleware that takes each request to its tenant; it stands first in MIDDLEWARE."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import engines
from django.template.backends.django import DjangoTemplates

from multi_tenant.conf import conf
from multi_tenant.context import PUBLIC_PLACE, UNDECIDED_PLACE, Place, fixed_context, public_context, refuse_unserved
from multi_tenant.exceptions import MultiTenantError, RegistryUnavailableError, UnknownTenantError
from multi_tenant.middleware.body import keep_in_place
from multi_tenant.middleware.pages import REFUSALS, refusal_page
from multi_tenant.middleware.visit import move_prefix, visit_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.store import store
from multi_tenant.resolvers.chain import Destination, ResolverChain

#: The attribute of a request under which an error in another middleware is noted.
FAILURE = "_multi_tenant_failure"
AT_PUBLIC = Destination(PUBLIC)


class TenantMiddleware:
    """Runs the request, and the body of its response, in the tenant that the resolvers name.

    Sets ``request.tenant`` (a record, None on the public site). Starts afresh whatever was active before, and leaves
    the context as it found it. A tenant that is not served is answered with a page.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.chain = ResolverChain()
        import_views()
        import_tags()
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        request.tenant = None  # type: ignore[attr-defined]  # what we add to a request
        if self.is_async:
            return self.__acall__(request)
        with fixed_context(UNDECIDED_PLACE):
            try:
                visit = self.arrive(request)
            except REFUSALS as exc:
                return refusal_page(exc)
        with visit:
            response = self.get_response(request)
        failure = noted_failure(request, response)
        return settled(response, visit) if failure is None else refusal_page(failure)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        with fixed_context(UNDECIDED_PLACE):
            try:
                visit = await self.aarrive(request)
            except REFUSALS as exc:
                return await sync_to_async(refusal_page)(exc)
        with visit:
            response = await self.get_response(request)
        failure = noted_failure(request, response)
        return settled(response, visit) if failure is None else await sync_to_async(refusal_page)(failure)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page for a tenant that could not be used any further when the view needed it."""
        return refusal_page(exception) if keeps_out(request, exception) else None  # type: ignore[arg-type]  # is one

    def arrive(self, request: HttpRequest) -> visit_context:
        """Find out where the request goes. Raises one of REFUSALS where it goes nowhere."""
        destination = AT_PUBLIC if is_health_check(request) else known(self.chain.resolve(request), request)
        record = None if destination.alias == PUBLIC else store.get(destination.alias)
        return visit_of(request, destination, record)

    async def aarrive(self, request: HttpRequest) -> visit_context:
        """``arrive`` for coroutines."""
        health_check = is_health_check(request)
        destination = AT_PUBLIC if health_check else known(await self.chain.aresolve(request), request)
        record = None if destination.alias == PUBLIC else await store.aget(destination.alias)
        return visit_of(request, destination, record)


def import_views() -> None:
    """Import the project's URLs, and so its views, before any tenant is entered.

    Django would do so in the first request, and what class bodies build there, such as a view's ``queryset``, would
    belong to that request's tenant.
    """
    if conf.ROOT_URLCONF:
        with public_context():
            import_module(conf.ROOT_URLCONF)


def import_tags() -> None:
    """Import template tags and context processors, for the same reason: Django would with the first template."""
    with public_context():
        for engine in engines.all():
            if isinstance(engine, DjangoTemplates):
                engine.engine.template_context_processors  # noqa: B018  # imported when it is asked for


def is_health_check(request: HttpRequest) -> bool:
    """Whether the path is one of HEALTH_PATHS: public on each host, whatever state the registry is in."""
    return request.path_info in conf.HEALTH_PATHS


def known(destination: Destination | None, request: HttpRequest) -> Destination:
    """The destination. Raises UnknownTenantError where there is none."""
    if destination is None:
        host = request.get_host()
        raise UnknownTenantError(
            "",
            f"No resolver knows a tenant for {host!r}. Give a tenant this domain, or list the host in "
            'MULTI_TENANT["PUBLIC_HOSTS"] if it is the public site\'s.',
        )
    return destination


def visit_of(request: HttpRequest, destination: Destination, record: TenantRecord | None) -> visit_context:
    """The visit of a request to its destination. Raises TenantUnavailableError for a tenant that is not active."""
    place = PUBLIC_PLACE
    if record is not None:
        refuse_unserved(record, uuid=None, any_state=False)
        place = Place(record.alias, record.uuid)
        request.tenant = record  # type: ignore[attr-defined]  # as above
        request.tenant_is_selected = destination.selected  # type: ignore[attr-defined]  # as above
    script = move_prefix(request, destination.prefix) if destination.prefix else None
    return visit_context(place, script)


def settled(response: HttpResponseBase, visit: visit_context) -> HttpResponseBase:
    """The response, its body bound to the visit."""
    keep_in_place(response, visit)
    return response


def keeps_out(request: HttpRequest, exc: BaseException | None) -> bool:
    """Whether an error means that the request's own tenant cannot be used; one of another tenant is a bug like any."""
    if isinstance(exc, RegistryUnavailableError):
        return True
    tenant = getattr(request, "tenant", None)
    return tenant is not None and isinstance(exc, REFUSALS) and getattr(exc, "alias", None) == tenant.alias


def note_failure(*, request: HttpRequest, **kwargs: Any) -> None:
    """Receive ``got_request_exception``: other middleware's errors become responses before they come back here."""
    exc = sys.exception()
    if keeps_out(request, exc):
        setattr(request, FAILURE, exc)


def noted_failure(request: HttpRequest, response: HttpResponseBase) -> MultiTenantError | None:
    """The error behind a response of status 500, if it means that the tenant cannot be used."""
    return getattr(request, FAILURE, None) if response.status_code == 500 else None


got_request_exception.connect(note_failure, dispatch_uid="multi_tenant.middleware")
