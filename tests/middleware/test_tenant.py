"""Requests run in their tenant and leave the context as they found it (P1, P3, P6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from multi_tenant import current_alias, tenant_context
from multi_tenant.context import PUBLIC_PLACE, UNDECIDED_PLACE, Place, active_place, fixed_context
from multi_tenant.middleware import TenantMiddleware
from multi_tenant.registry.models import Tenant
from multi_tenant.registry.store import store
from tests.middleware.conftest import Factory
from tests.middleware.drivers import asgi, get, wsgi
from tests.testapp.billing.models import Plan
from tests.testapp.library.models import Author

both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@both_modes
@pytest.mark.parametrize("path", ["/", "/a/"])
def test_a_request_runs_in_its_tenant(acme: Tenant, mode: str, path: str) -> None:
    facts = get(path, "ACME.example.com:8000", mode).json()
    assert (facts["alias"], facts["database"], facts["tenant"]) == ("acme", "acme", "acme")


@both_modes
@pytest.mark.parametrize("path", ["/", "/a/"])
def test_a_request_to_a_public_host_is_public(acme: Tenant, mode: str, path: str) -> None:
    facts = get(path, "example.com", mode).json()
    assert (facts["alias"], facts["database"], facts["tenant"]) == ("public", "public", None)


@both_modes
@pytest.mark.parametrize("path", ["/authors/", "/aauthors/"])
def test_each_tenant_shows_its_own_rows(acme: Tenant, bolt: Tenant, mode: str, path: str) -> None:
    for tenant in (acme, bolt):
        with tenant_context(tenant):
            Author.objects.create(name=f"{tenant.alias}'s")
    assert get(path, "acme.example.com", mode).json() == ["acme's"]
    assert get(path, "bolt.example.com", mode).json() == ["bolt's"]


@pytest.mark.parametrize("server", [wsgi, asgi])
def test_servers_serve_tenants(acme: Tenant, server: Callable[[str, str], tuple[int, str]]) -> None:
    assert server("acme.example.com", "/authors/") == (200, "[]")


@both_modes
def test_a_request_starts_afresh_inside_another_tenant(acme: Tenant, bolt: Tenant, mode: str) -> None:
    with tenant_context("bolt"):
        assert get("/", "acme.example.com", mode).json()["alias"] == "acme"


@both_modes
def test_an_operators_context_opens_nothing_to_a_request(make_tenant: Factory, mode: str) -> None:
    with tenant_context(make_tenant("idle", state="suspended"), any_state=True):
        assert get("/", "idle.example.com", mode).status_code == 403


@both_modes
@pytest.mark.parametrize("before", [UNDECIDED_PLACE, PUBLIC_PLACE, Place("bolt")], ids=str)
@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("acme.example.com", "/", 200),
        ("acme.example.com", "/add_and_fail/", 500),
        ("example.com", "/healthz", 200),
        ("nobody.example.com", "/", 404),
        ("not/a/host", "/", 400),
    ],
)
def test_the_context_is_left_as_it_was(
    acme: Tenant, mode: str, before: Place, host: str, path: str, status: int
) -> None:
    with fixed_context(before):
        assert get(path, host, mode).status_code == status
        assert active_place.get() is before


@pytest.mark.parametrize("is_atomic", [True, False], ids=["atomic", "control"])
def test_the_transaction_of_a_request_is_its_tenants(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, is_atomic: bool
) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "ATOMIC_REQUESTS", is_atomic)
    assert get("/add_and_fail/", "acme.example.com", "sync").status_code == 500
    with tenant_context("acme"):
        assert Author.objects.filter(name="lost").exists() is not is_atomic


@both_modes
def test_a_template_response_is_rendered_in_its_tenant(acme: Tenant, mode: str) -> None:
    with tenant_context("acme"):
        Author.objects.create(name="Ann")
    assert get("/lazy/", "acme.example.com", mode).text == "Ann acme"


@both_modes
def test_a_cached_request_asks_the_registry_nothing(acme: Tenant, mode: str) -> None:
    with CaptureQueriesContext(connections["public"]) as asked:
        get("/authors/", "acme.example.com", mode)
    assert len(asked) == 3, "the control: version, host and tenant are read once"
    with CaptureQueriesContext(connections["public"]) as asked:
        get("/authors/", "acme.example.com", mode)
    assert len(asked) == 0


def test_a_request_meets_no_other_tenant(acme: Tenant, make_tenant: Factory) -> None:
    """Django's hooks walk over connections at the beginning and the end of each request."""
    make_tenant("never-met")
    get("/authors/", "acme.example.com", "sync")
    aliases = {connection.alias for connection in connections.all()}
    assert aliases >= {"acme", "public"}
    assert "never-met" not in aliases


@both_modes
@pytest.mark.parametrize("host", ["acme.example.com", "example.com", "10.0.0.7:8000", "nobody.example.com"])
def test_health_is_answered_on_every_host_without_the_registry(acme: Tenant, mode: str, host: str) -> None:
    with CaptureQueriesContext(connections["public"]) as asked:
        facts = get("/healthz", host, mode).json()
    assert (facts["alias"], facts["tenant"]) == ("public", None)
    assert len(asked) == 0


@pytest.mark.parametrize("host", ["acme..example.com", "-.example.com", "a_b", "[::1]", "1.2.3.4", "xn--a", "x" * 300])
@both_modes
def test_odd_hosts_lead_nowhere(acme: Tenant, mode: str, host: str) -> None:
    assert get("/", host, mode).status_code in {400, 404}


@pytest.mark.parametrize("host", ["a/b", "a b", "acme.example.com@evil", "\xe4cme.example.com", ""])
@both_modes
def test_a_malformed_host_is_a_bad_request(acme: Tenant, mode: str, host: str) -> None:
    assert get("/", host, mode).status_code in {400, 404}


@both_modes
def test_a_host_that_django_does_not_allow_is_a_bad_request(acme: Tenant, settings: Any, mode: str) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    assert get("/", "acme.example.com", mode).status_code == 400


def test_the_record_is_set_in_the_request(acme: Tenant) -> None:
    request = RequestFactory().get("/", headers={"host": "acme.example.com"})
    TenantMiddleware(lambda request: HttpResponse())(request)
    assert request.tenant == store.get("acme")  # type: ignore[attr-defined]  # the middleware's


def test_a_middleware_that_raises_leaves_the_context(acme: Tenant) -> None:
    def fail(request: Any) -> Any:
        raise RuntimeError("on purpose")

    request = RequestFactory().get("/", headers={"host": "acme.example.com"})
    with fixed_context(UNDECIDED_PLACE):
        with pytest.raises(RuntimeError, match="on purpose"):
            TenantMiddleware(fail)(request)
        assert active_place.get() is UNDECIDED_PLACE


@pytest.fixture(autouse=True)
def no_warning_of_django(caplog: pytest.LogCaptureFixture) -> None:
    """Django logs each refused request; pytest would show it all with any failure."""
    caplog.set_level("CRITICAL", logger="django")


class PlanResolver:
    """An outsider's resolver: the name of a plan, in the public database, leads to a tenant."""

    places: list[str | None] = []

    def resolve(self, request: HttpRequest) -> str | None:
        self.places.append(current_alias())
        plan = Plan.objects.filter(name=request.get_host()).first()
        return plan.name.partition(".")[0] if plan else None


@both_modes
def test_a_projects_own_resolver_asks_shared_models_before_a_tenant_is_chosen(
    acme: Tenant, bolt: Tenant, configure: Any, mode: str
) -> None:
    configure(RESOLVERS=[f"{__name__}.PlanResolver"])
    Plan.objects.create(name="acme.plans")
    with tenant_context("bolt"):
        assert get("/", "acme.plans", mode).json()["alias"] == "acme"
    assert PlanResolver.places.pop() is None


class TenantReadingResolver:
    """An outsider's mistake."""

    def resolve(self, request: HttpRequest) -> str | None:
        return str(Author.objects.count())


@both_modes
def test_a_resolver_gets_no_tenants_data(acme: Tenant, configure: Any, mode: str) -> None:
    configure(RESOLVERS=[f"{__name__}.TenantReadingResolver"])
    with tenant_context("acme"):
        assert get("/", "acme.example.com", mode).status_code == 500


def test_a_header_names_a_tenant_only_behind_a_trusted_proxy(acme: Tenant, configure: Any) -> None:
    header = ("multi_tenant.resolvers.HeaderResolver", {"name": "X-Tenant"})
    configure(RESOLVERS=[header], TRUSTED_PROXIES=["10.0.0.0/8"])
    for address, alias in (("10.0.0.1", "acme"), ("127.0.0.1", "public")):
        response = Client(REMOTE_ADDR=address).get("/", headers={"host": "example.com", "X-Tenant": "acme"})
        assert response.json()["alias"] == alias
