"""A host that the registry knows leads to its tenant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import DisallowedHost
from django.db import connections
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from multi_tenant.registry.models import Domain, Tenant
from multi_tenant.registry.store import store
from multi_tenant.resolvers import DomainResolver
from tests.resolvers.conftest import Requests

resolver = DomainResolver()
Resolve = Callable[..., str | None]


@pytest.fixture
def acme(tenant_factory: Callable[..., Tenant]) -> Tenant:
    tenant = tenant_factory("acme")
    Domain.objects.create(tenant=tenant, host="notes.example.org")
    return tenant


@pytest.fixture(params=["resolve", "aresolve"])
def resolve(request: pytest.FixtureRequest) -> Resolve:
    return resolver.resolve if request.param == "resolve" else async_to_sync(resolver.aresolve)


@pytest.mark.parametrize("host", ["notes.example.org", "NOTES.example.org.:443"])
def test_a_listed_host_leads_to_its_tenant(acme: Tenant, socket: Requests, resolve: Resolve, host: str) -> None:
    assert resolve(socket(host)) == "acme"


@pytest.mark.parametrize("host", ["example.org", "x.notes.example.org", "a..b", ""])
def test_any_other_leads_nowhere(acme: Tenant, socket: Requests, resolve: Resolve, host: str) -> None:
    assert resolve(socket(host)) is None


def test_a_new_domain_is_obeyed_though_it_was_unknown_before(acme: Tenant, socket: Requests, resolve: Resolve) -> None:
    assert resolve(socket("new.example.org")) is None
    Domain.objects.create(tenant=acme, host="new.example.org")
    assert resolve(socket("new.example.org")) == "acme"


@pytest.mark.parametrize("host", ["notes.example.org", "unknown.example.org"])
def test_the_registry_is_asked_once(acme: Tenant, socket: Requests, resolve: Resolve, host: str) -> None:
    store.clear()
    resolve(socket(host))
    with CaptureQueriesContext(connections["public"]) as asked:
        resolve(socket(host))
    assert len(asked) == 0


def test_a_host_that_django_does_not_allow_is_left_to_django(resolve: Resolve) -> None:
    with pytest.raises(DisallowedHost):
        resolve(RequestFactory().get("/", headers={"host": "a b"}))
