"""A command that changes a schema exchanges the tenant's connection only where another login owns the database."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.utils import CaptureQueriesContext

from multi_tenant.context import active_place, tenant_context
from multi_tenant.models import Tenant
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import Placement
from multi_tenant.routing import owner

pytestmark = pytest.mark.django_db


def queries_to_public() -> int:
    with CaptureQueriesContext(connections[PUBLIC]) as found:
        call_command("migrate", verbosity=0)
    return sum("database" in query["sql"] for query in found.captured_queries)


def test_the_registry_is_not_asked_for_the_login_that_is_in_use(acme: Tenant) -> None:
    with tenant_context(acme):
        assert queries_to_public() == 0


def test_otherwise_it_is(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "is_owner", lambda place: False)
    with tenant_context(acme):
        assert queries_to_public() == 1


def test_a_login_of_its_own_is_not_the_owners(acme: Tenant) -> None:
    acme.database = {**acme.database, "USER": "acme", "PASSWORD": "acme"}
    acme.placement = Placement.PUBLIC
    acme.save()
    with tenant_context(acme):
        assert not owner.is_owner(active_place.get())
