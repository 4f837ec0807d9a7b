"""P6: names that nobody bears, however many are asked for, push out no tenant and take no memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse, QueryDict
from django.test.utils import CaptureQueriesContext

from multi_tenant.middleware import TenantMiddleware
from multi_tenant.models import Domain, Tenant
from multi_tenant.registry import store as store_module
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.store import store
from multi_tenant.registry.versioned import Versioned
from multi_tenant.resolvers import hosts
from tests.promises.control import Without, guarded_by

pytestmark = pytest.mark.django_db
Ask = Callable[[str], int]
RESOLVERS = "multi_tenant.resolvers."
BASE = "base.example"
#: Less than 1,200 names take that are kept; a dict that grows and shrinks takes some of it.
LITTLE = 150_000
#: Names between two looks at it.
WAVE = 10_000


def by_host(name: str) -> dict[str, str]:
    return {"HTTP_HOST": f"{name}.example"}


def by_subdomain(name: str) -> dict[str, str]:
    return {"HTTP_HOST": f"{name}.{BASE}"}


def by_path(name: str) -> dict[str, str]:
    return {"HTTP_HOST": BASE, "PATH_INFO": f"/t/{name}/"}


def by_header(name: str) -> dict[str, str]:
    return {"HTTP_HOST": BASE, "HTTP_X_TENANT": name, "REMOTE_ADDR": "127.0.0.1"}


def by_query(name: str) -> dict[str, str]:
    return {"HTTP_HOST": BASE, "QUERY_STRING": f"tenant={name}"}


ways = pytest.mark.parametrize("way", [by_host, by_subdomain, by_path, by_header, by_query])


@pytest.fixture
def ask(way: Callable[[str], dict[str, str]], acme: Tenant, configure: Any, settings: Any) -> Ask:
    """Sends a request for a name through the middleware; the status that comes back."""
    Domain.objects.create(tenant=acme, host="acme.example")
    settings.TEMPLATES = []  # the page is not what is measured
    configure(
        REGISTRY_TTL=600,
        TRUSTED_PROXIES=["127.0.0.1"],
        RESOLVERS=[
            (f"{RESOLVERS}SubdomainResolver", {"base": BASE}),
            (f"{RESOLVERS}PathResolver", {"prefix": "t"}),
            (f"{RESOLVERS}HeaderResolver", {"name": "X-Tenant"}),
            (f"{RESOLVERS}QueryResolver", {"name": "tenant"}),
            f"{RESOLVERS}DomainResolver",
        ],
    )
    store.clear()
    middleware = TenantMiddleware(lambda request: HttpResponse())

    def send(name: str) -> int:
        request = HttpRequest()
        request.META = {"SERVER_NAME": BASE, "SERVER_PORT": "80", **way(name)}
        request.GET = QueryDict(request.META.get("QUERY_STRING"))
        request.path = request.path_info = request.META.get("PATH_INFO", "/")
        return int(middleware(request).status_code)

    return send


def flood(ask: Ask, first: int, count: int) -> None:
    for number in range(first, first + count):
        assert ask(f"nobody-{number}") == 404


def takes_no_memory(ask: Ask, count: int) -> None:
    """A flood makes the process grow by nothing, at no time, once as many names are kept as may be."""
    tracemalloc.start(1)
    try:
        for number in range(4 * hosts.MAX_SPELLED):  # until the cache of spellings has its final size
            hosts.spelled(f"nobody-{number}.example")
        flood(ask, 0, 2 * store_module.MAX_UNKNOWN)
        before = memory()
        for first in range(0, count, WAVE):
            flood(ask, 1_000_000 + first, min(WAVE, count - first))
            assert memory() - before < LITTLE
    finally:
        tracemalloc.stop()


def memory() -> int:
    """The bytes that are in use since the tracing began."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def drowns_nothing(ask: Ask, count: int) -> None:
    assert ask("acme") == 200
    record, known = store.get("acme"), list(store._hosts)
    takes_no_memory(ask, count)
    with CaptureQueriesContext(connections[PUBLIC]) as asked:
        assert ask("acme") == 200
    assert len(asked) == 0
    assert store.get("acme") is record
    assert list(store._hosts) == known
    assert list(store._tenants) == ["acme"]


def remember_for_ever(self: Versioned[Any], key: str, value: Any, version: int) -> None:
    """As if there were no bound."""
    self[key] = (value, version)


@guarded_by(Without(Versioned, "remember", remember_for_ever))
@pytest.mark.parametrize("way", [by_host, by_path])
def test_a_flood_of_unknown_names_evicts_nothing_and_takes_no_memory(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_UNKNOWN", 50)
    store.clear()
    drowns_nothing(ask, 1_200)


@pytest.mark.soak
@guarded_by(Without(Versioned, "remember", remember_for_ever))
@ways
def test_a_hundred_thousand_unknown_names_evict_nothing_and_take_no_memory(ask: Ask) -> None:
    drowns_nothing(ask, 100_000)


@guarded_by(Without(Versioned, "remember"))
@ways
def test_an_unknown_name_costs_one_statement_and_the_next_time_none(ask: Ask) -> None:
    assert ask("nobody-at-all") == 404  # and the version is read
    with CaptureQueriesContext(connections[PUBLIC]) as first:
        flood(ask, 0, 100)
    with CaptureQueriesContext(connections[PUBLIC]) as second:
        flood(ask, 0, 100)
    assert (len(first), len(second)) == (100, 0)
