"""What the how-to pages say of Django is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.test import Client
from django.urls import path

from multi_tenant.models import Domain, Tenant

CUSTOMER = "notes.acme.example"


def board(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


urlpatterns = [path("", board), path("healthz", board)]


@pytest.fixture(autouse=True)
def site(tenant_factory: Callable[..., Tenant], settings: Any) -> None:
    """A site behind a proxy that ends TLS, with a customer's domain, and with what the page says of ALLOWED_HOSTS."""
    settings.ROOT_URLCONF = "tests.test_howto"
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIDDLEWARE = [
        "multi_tenant.middleware.TenantMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    Domain.objects.create(tenant=tenant_factory("acme"), host=CUSTOMER)


def post(client: Client, *, origin: str) -> int:
    """The status of a form that a browser got here and posts from a page of ``origin``."""
    token = client.get("/").content.decode()
    headers: dict[str, Any] = {"origin": origin, "referer": f"{origin}/", "x-csrftoken": token}
    return client.post("/", headers=headers).status_code


def browser() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": CUSTOMER, "x-forwarded-proto": "https"})


def test_a_host_of_nobody_meets_no_view_though_any_host_is_allowed() -> None:
    assert Client().get("/", headers={"host": CUSTOMER}).status_code == 200
    assert Client().get("/", headers={"host": "evil.example"}).status_code == 404


def test_with_a_resolver_of_another_kind_any_host_meets_a_view(configure: Callable[..., None]) -> None:
    configure(RESOLVERS=[("multi_tenant.resolvers.PathResolver", {"prefix": "t"})])
    assert Client().get("/t/acme/", headers={"host": "evil.example"}).status_code == 200


def test_health_paths_are_answered_whatever_the_host(configure: Callable[..., None]) -> None:
    configure(HEALTH_PATHS=["/healthz"])
    assert Client().get("/healthz", headers={"host": "evil.example"}).status_code == 200


def test_a_form_on_a_customers_domain_needs_no_trusted_origin() -> None:
    assert post(browser(), origin=f"https://{CUSTOMER}") == 200
    assert post(browser(), origin="https://evil.example") == 403


def test_without_the_proxys_scheme_each_form_is_refused(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = None
    assert post(browser(), origin=f"https://{CUSTOMER}") == 403


def test_an_origin_that_is_trusted_later_is_not_seen_by_a_process(settings: Any) -> None:
    other = "https://www.acme.example"
    settings.CSRF_TRUSTED_ORIGINS = []
    client = browser()
    assert post(client, origin=other) == 403
    settings.CSRF_TRUSTED_ORIGINS = [other]
    assert post(client, origin=other) == 403
    assert post(browser(), origin=other) == 200  # a new client has a new handler, as a new process has
