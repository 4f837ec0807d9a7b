"""Django's sites, in both places: each tenant has its own, and keeps none of a namesake's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.sites.models import Site
from django.contrib.sites.shortcuts import get_current_site

from multi_tenant.context import public_context, tenant_context
from multi_tenant.models import Tenant
from multi_tenant.routing import parts
from tests.promises.control import guarded_by

pytestmark = pytest.mark.django_db


def parts_of_aliases() -> AbstractContextManager[Any]:
    """The cache is divided by alias alone."""
    return patch.object(parts, "tenant_at", lambda alias: None)


def name(tenant: Tenant, domain: str) -> None:
    with tenant_context(tenant):
        Site.objects.update_or_create(pk=1, defaults={"domain": domain, "name": domain})


@guarded_by(parts_of_aliases)
@pytest.mark.django_db(transaction=True)
def test_the_site_of_a_purged_tenant_is_not_that_of_the_next_one(acme: Tenant, bolt: Tenant, settings: Any) -> None:
    settings.SITE_ID = 1
    name(acme, "acme.example.com")
    name(bolt, "bolt.example.com")
    with tenant_context(acme):
        assert Site.objects.get_current().domain == "acme.example.com"
    with public_context():
        acme.delete()
        Tenant.objects.filter(pk=bolt.pk).update(alias="acme")
    with tenant_context("acme"):
        assert Site.objects.get_current().domain == "bolt.example.com"


def test_a_site_is_found_by_its_host_in_its_own_tenant(acme: Tenant, bolt: Tenant, settings: Any, rf: Any) -> None:
    name(acme, "acme.example.com")
    name(bolt, "bolt.example.com")
    request = rf.get("/", headers={"host": "acme.example.com"})
    with tenant_context(acme):
        assert get_current_site(request).name == "acme.example.com"
    with tenant_context(bolt), pytest.raises(Site.DoesNotExist):
        get_current_site(request)
