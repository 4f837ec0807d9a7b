"""A tenant whose server goes away in the middle of a request: a page with Retry-After, for that tenant alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, close_old_connections, connection, connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from multi_tenant import tenant_context
from multi_tenant.middleware import pages, tenant
from multi_tenant.models import Tenant
from multi_tenant.routing import outages
from tests.middleware import views
from tests.middleware.drivers import get, wsgi
from tests.promises.control import Without, guarded_by
from tests.settings import PUBLIC as PUBLIC_ENGINE
from tests.testapp.library.models import Author

#: A test's own transaction would end with the session.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PUBLIC_ENGINE == "sqlite", reason="a file has no server to lose"),
]
both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


def lose_the_server() -> None:
    """As a server does that is stopped: it ends the session, here its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def lose(request: HttpRequest) -> HttpResponse:
    lose_the_server()
    return HttpResponse()


async def alose(request: HttpRequest) -> HttpResponse:
    await sync_to_async(lose_the_server)()
    return HttpResponse()


def lose_in_block(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        Author.objects.create(name="lost")
        lose_the_server()
    return HttpResponse()


def lose_and_cope(request: HttpRequest) -> HttpResponse:
    try:
        lose_the_server()
    except OperationalError:
        return HttpResponse("without the database", status=500)
    return HttpResponse()


def use_up(request: HttpRequest) -> HttpResponse:
    """Everything that the thread may open is in use when the view asks for its own tenant."""
    with tenant_context("bolt", switch=True), transaction.atomic():
        Author.objects.exists()
        with tenant_context("acme", switch=True):
            return views.authors(request)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(breaking_off())


def breaking_off() -> Iterator[str]:
    yield "begun"
    lose_the_server()


class middleware_that_loses:  # noqa: N801  # as Django's decorators have it
    """One that asks the tenant before the view does."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        lose_the_server()
        return self.get_response(request)


urlpatterns = [
    path("", views.where, name="where"),
    path("lose/", lose),
    path("alose/", alose),
    path("block/", lose_in_block),
    path("cope/", lose_and_cope),
    path("use-up/", use_up),
    path("stream/", stream),
    path("authors/", views.authors),
]


@pytest.fixture(autouse=True)
def urls(acme: Tenant, bolt: Tenant, settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    yield
    close_old_connections()


nothing_is_lost = Without(outages, "is_lost", lambda connection: False)


@guarded_by(nothing_is_lost)
@both_modes
@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("route", ["/lose/", "/alose/", "/block/"])
def test_a_server_lost_in_a_view_is_a_page(settings: Any, mode: str, atomic: bool, route: str) -> None:
    if atomic and route == "/alose/":
        pytest.skip("Django refuses async views under ATOMIC_REQUESTS")
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = atomic
    try:
        response = get(route, "acme.example.com", mode)
    finally:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = False
        connections["acme"].close()
    assert (response.status_code, response.get("Retry-After")) == (503, "600")
    assert get("/authors/", "acme.example.com", mode).json() == []


@guarded_by(nothing_is_lost)
@both_modes
def test_a_server_lost_in_a_middleware_is_a_page(settings: Any, mode: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.middleware_that_loses"]
    response = get("/", "acme.example.com", mode)
    connections["acme"].close()
    assert (response.status_code, response.get("Retry-After")) == (503, "600")


def test_a_developer_is_told_what_happened(settings: Any) -> None:
    settings.DEBUG = True
    response = get("/lose/", "acme.example.com", "sync")
    assert response.status_code == 503
    assert "its server has closed the connection" in response.text


def test_a_view_that_copes_answers_for_itself() -> None:
    response = get("/cope/", "acme.example.com", "sync")
    assert (response.status_code, response.text) == (500, "without the database")


@guarded_by(Without(tenant, "REFUSALS", tuple(error for error in pages.REFUSALS if "Limit" not in error.__name__)))
@both_modes
def test_a_thread_that_may_open_no_more_is_unavailable(configure: Any, mode: str) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=1)
    response = get("/use-up/", "acme.example.com", mode)
    assert (response.status_code, response.get("Retry-After")) == (503, "600")


def test_a_body_that_has_begun_breaks_off_and_the_next_request_is_served() -> None:
    with pytest.raises(OperationalError, match="its server has closed the connection"):
        wsgi("acme.example.com", "/stream/")
    connections["acme"].close()
    assert wsgi("acme.example.com", "/authors/") == (200, "[]")
