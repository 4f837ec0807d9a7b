"""Tenants that cannot be served are answered with a page that tells strangers nothing (P4, P5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import path

from multi_tenant import tenant_context
from multi_tenant.conf import conf
from multi_tenant.exceptions import RegistryUnavailableError, TenantConnectionError, TenantUnavailableError
from multi_tenant.registry.lookup import VERSION_TABLE
from multi_tenant.registry.models import Tenant, TenantState
from multi_tenant.registry.store import store
from tests.middleware import views
from tests.middleware.conftest import Factory
from tests.middleware.drivers import get
from tests.testapp.billing.models import Plan
from tests.testapp.library.models import Author

both_modes = pytest.mark.parametrize("mode", ["sync", "async"])
STATUSES = {
    TenantState.PENDING: 503,
    TenantState.PROVISIONING: 503,
    TenantState.FAILED: 503,
    TenantState.ACTIVE: 200,
    TenantState.SUSPENDED: 403,
    TenantState.DELETING: 404,
    TenantState.DELETED: 404,
}


@both_modes
@pytest.mark.parametrize("state", TenantState)
def test_each_state_has_its_status(make_tenant: Factory, mode: str, state: TenantState) -> None:
    make_tenant("acme", state=state)
    response = get("/", "acme.example.com", mode)
    assert response.status_code == STATUSES[state]
    assert ("Retry-After" in response) == (STATUSES[state] == 503)
    assert ("no-store" in response.get("Cache-Control", "")) == (STATUSES[state] != 200)


def test_a_tenant_without_a_database_yet_is_not_ready(make_tenant: Factory) -> None:
    make_tenant("acme", state="pending", database=None)
    assert get("/", "acme.example.com", "sync").status_code == 503


def test_nobody_learns_whether_there_was_a_tenant(make_tenant: Factory) -> None:
    make_tenant("gone", state="deleted")
    assert get("/", "gone.example.com", "sync").content == get("/", "never.example.com", "sync").content


@pytest.mark.parametrize("state", ["suspended", "pending", "deleted"])
def test_a_page_tells_nothing_of_the_tenant(make_tenant: Factory, state: str) -> None:
    tenant = make_tenant("acme", state=state, name="A company")
    text = get("/", "acme.example.com", "sync").text
    assert not any(word in text for word in ("acme", "A company", str(tenant.uuid), "state", "RESOLVERS"))


@pytest.mark.parametrize("host", ["nobody.example.com", "acme.example.com"])
def test_a_developer_is_told_why(make_tenant: Factory, settings: Any, host: str) -> None:
    settings.DEBUG = True
    make_tenant("acme", state="deleted")
    response = get("/", host, "sync")
    assert response.status_code == 404
    assert ("PUBLIC_HOSTS" in response.text) == host.startswith("nobody")
    assert ("deleted" in response.text) == host.startswith("acme")


@both_modes
def test_a_project_has_pages_of_its_own(acme: Tenant, settings: Any, tmp_path: Path, mode: str) -> None:
    """They are rendered on the public site, and may ask it, but no tenant."""
    page = tmp_path / "multi_tenant" / "403.html"
    page.parent.mkdir()
    backend = "django.template.backends.django.DjangoTemplates"
    builtins = {"builtins": ["tests.middleware.tags"]}
    settings.TEMPLATES = [{"BACKEND": backend, "DIRS": [tmp_path], "OPTIONS": builtins}]
    page.write_text("{{ status }} {{ alias }} {% where %} {% plans %} [{{ request }}{{ tenant }}{{ hint }}]")
    Plan.objects.create(name="large")
    Tenant.objects.filter(pk=acme.pk).update(state="suspended")
    assert get("/", "acme.example.com", mode).text == "403 acme public 1 []"


@both_modes
def test_without_templates_the_page_is_a_sentence(acme: Tenant, settings: Any, mode: str) -> None:
    settings.TEMPLATES = []
    response = get("/", "nobody.example.com", mode)
    assert (response.status_code, response["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert response.text == "There is no site at this address."


@both_modes
def test_a_registry_out_of_reach_is_unavailable(acme: Tenant, mode: str) -> None:
    with connections["public"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {VERSION_TABLE} RENAME TO out_of_reach")
    store.clear()
    response = get("/", "acme.example.com", mode)
    assert (response.status_code, response["Retry-After"]) == (503, "600")


def test_an_entry_that_cannot_be_opened_is_unavailable(acme: Tenant, bolt: Tenant) -> None:
    with connections["public"].cursor() as cursor:
        cursor.execute("SELECT database FROM multi_tenant_tenant WHERE alias = 'bolt'")
        cursor.execute("UPDATE multi_tenant_tenant SET database = %s WHERE alias = 'acme'", cursor.fetchone())
    store.clear()
    assert get("/", "acme.example.com", "sync").status_code == 503
    assert get("/", "bolt.example.com", "sync").status_code == 200


def test_an_entry_that_breaks_a_rule_is_unavailable(acme: Tenant) -> None:
    Tenant.objects.filter(pk=acme.pk).update(placement="own")
    acme.refresh_from_db()
    acme.database = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/etc/passwd"}
    with connections["public"].cursor() as cursor:
        sealed = acme.__dict__["database"].token
        cursor.execute("UPDATE multi_tenant_tenant SET database = %s WHERE alias = 'acme'", [sealed])
    store.clear()
    assert get("/", "acme.example.com", "sync").status_code == 503


@pytest.fixture
def door(acme: Tenant) -> Iterator[Path]:
    """A directory where tenants' files may be; it cannot be opened as a database."""
    conf.SQLITE_DIR.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=conf.SQLITE_DIR) as directory:
        yield Path(directory)


def lead_to(tenant: Tenant, path: Path) -> None:
    """Have the tenant's entry name another file."""
    tenant.placement = "own"
    tenant.database = {"NAME": str(path), "ENGINE": "django.db.backends.sqlite3"}
    tenant.save()


@both_modes
@pytest.mark.parametrize("route", ["/authors/", "/aauthors/", "/lazy/"])
def test_a_database_that_is_down_stops_its_tenant_alone(
    acme: Tenant, bolt: Tenant, door: Path, mode: str, route: str
) -> None:
    lead_to(acme, door)
    response = get(route, "acme.example.com", mode)
    assert response.status_code == 503
    assert "Retry-After" in response
    assert str(door) not in response.text
    assert get(route, "bolt.example.com", mode).status_code == 200


@both_modes
def test_a_database_without_the_tenants_marker_is_unavailable(acme: Tenant, door: Path, mode: str) -> None:
    empty = door / "empty.sqlite3"
    empty.touch()
    lead_to(acme, empty)
    assert get("/authors/", "acme.example.com", mode).status_code == 503


def middleware_with_a_query(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> HttpResponse:
        Author.objects.count()
        response: HttpResponse = get_response(request)
        return response

    return middleware


@both_modes
def test_it_may_be_another_middleware_that_finds_it_down(
    acme: Tenant, bolt: Tenant, settings: Any, door: Path, mode: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.middleware_with_a_query"]
    lead_to(acme, door)
    assert get("/", "acme.example.com", mode).status_code == 503
    assert get("/", "bolt.example.com", mode).status_code == 200


def raise_of_another(request: HttpRequest) -> HttpResponse:
    raise TenantConnectionError("bolt", "the server cannot be reached")


def enter_another(request: HttpRequest) -> HttpResponse:
    with tenant_context("idle", switch=True):
        return HttpResponse()


def suspend_itself(request: HttpRequest) -> HttpResponse:
    raise TenantUnavailableError("acme", "suspended")


def find_the_registry_gone(request: HttpRequest) -> HttpResponse:
    raise RegistryUnavailableError


urlpatterns = [
    path("gone/", find_the_registry_gone),
    path("", views.where, name="where"),
    path("raise/", raise_of_another),
    path("enter/", enter_another),
    path("suspend/", suspend_itself),
]


@both_modes
@pytest.mark.parametrize("route", ["/raise/", "/enter/"])
@pytest.mark.parametrize("host", ["acme.example.com", "example.com"])
def test_another_tenants_trouble_is_an_error_like_any(
    acme: Tenant, make_tenant: Factory, settings: Any, mode: str, route: str, host: str
) -> None:
    settings.ROOT_URLCONF = __name__
    make_tenant("idle", state="suspended")
    assert get(route, host, mode).status_code == 500


@both_modes
def test_a_tenant_may_leave_its_state_during_a_request(acme: Tenant, settings: Any, mode: str) -> None:
    settings.ROOT_URLCONF = __name__
    assert get("/suspend/", "acme.example.com", mode).status_code == 403


@both_modes
@pytest.mark.parametrize("host", ["acme.example.com", "example.com"])
def test_a_view_may_find_the_registry_out_of_reach(acme: Tenant, settings: Any, mode: str, host: str) -> None:
    settings.ROOT_URLCONF = __name__
    assert get("/gone/", host, mode).status_code == 503
