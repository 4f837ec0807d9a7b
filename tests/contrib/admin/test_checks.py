"""A site that would offer models where they do not live is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import pytest
from django.contrib.admin import sites
from django.contrib.admin.sites import AdminSite
from django.core.checks import run_checks

from multi_tenant.checks import TAG
from multi_tenant.contrib.admin import TenantAdminSite
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import Country
from tests.testapp.library.models import Author, Book


@pytest.fixture(autouse=True)
def all_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sites are those of the test."""
    monkeypatch.setattr(sites, "all_sites", WeakSet())


def found(cls: type[AdminSite], *models: Any) -> dict[str, str]:
    """What the checks say of a site that has these models."""
    site = cls("mine")
    site.register(models)
    return {str(message.id).removeprefix("multi_tenant."): message.msg for message in run_checks(tags=[TAG])}


def test_a_plain_site_with_shared_models_is_told() -> None:
    told = found(AdminSite, Plan, Country, Book)
    assert set(told) == {"E016"}
    assert '"mine"' in told["E016"]
    assert "billing.Plan" in told["E016"]


def test_a_plain_site_with_tenant_models_is_told() -> None:
    assert "library.Author, library.Book" in found(AdminSite, Author, Book, Country)["W009"]


def test_a_plain_site_with_models_of_both_places_is_not() -> None:
    assert found(AdminSite, Country) == {}


def test_a_site_that_divides_itself_is_not() -> None:
    assert found(TenantAdminSite, Plan, Book) == {}


def test_a_plain_site_of_tenants_alone_may_have_what_they_have(settings: Any, configure: Callable[..., None]) -> None:
    admin = "django.contrib.admin"
    configure(SHARED_APPS=[app for app in settings.MULTI_TENANT["SHARED_APPS"] if app != admin])
    assert found(AdminSite, Book) == {}
    assert set(found(AdminSite, Plan)) == {"E016"}
