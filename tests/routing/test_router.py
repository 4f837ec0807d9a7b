"""The router's answers, and where models live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.db import connections, router
from django.db.models import Model

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import ConfigurationError, TenantUnavailableError, UnknownTenantError
from multi_tenant.models import Domain, Tenant
from multi_tenant.routing import TenantRouter
from multi_tenant.routing.handler import LIVE
from multi_tenant.routing.homes import Home, home_of, known_home_of
from tests.promises.places import undecided
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import Country
from tests.testapp.library.models import Author, Book

pytestmark = pytest.mark.django_db
Configure = Callable[..., None]


@pytest.mark.parametrize(
    ("label", "home"),
    [
        ("billing", Home.SHARED),
        ("library", Home.TENANT),
        ("common", Home.BOTH),
        ("auth", Home.BOTH),
        ("multi_tenant", Home.SHARED),
        ("django_cache", Home.SHARED),
        ("migrations", Home.BOTH),
        ("nobody", Home.NOWHERE),
    ],
)
def test_an_app_has_a_home(label: str, home: Home) -> None:
    assert home_of(label) is home


@pytest.mark.parametrize("model", [Plan, Tenant, Domain])
def test_shared_models_are_public_from_everywhere(model: type[Model], acme: Tenant) -> None:
    for place in (undecided(), public_context(), tenant_context(acme)):
        with place:
            assert router.db_for_read(model) == router.db_for_write(model) == "public"


@pytest.mark.parametrize("model", [Author, Country, User])
def test_a_tenants_models_are_in_the_active_tenant(model: type[Model], acme: Tenant) -> None:
    with tenant_context(acme):
        assert router.db_for_read(model) == router.db_for_write(model) == "acme"


def test_models_of_both_homes_are_public_on_the_public_site() -> None:
    assert router.db_for_read(Country) == "public"


def test_an_app_in_neither_setting_is_refused(configure: Configure) -> None:
    configure(TENANT_APPS=[], SHARED_APPS=[])
    for ask in (
        Author.objects.count,
        lambda: Author.objects.using("public").count(),
        lambda: known_home_of(Author),
    ):
        with pytest.raises(ConfigurationError, match="Add the app to one of them"):
            ask()
    assert not router.allow_migrate("public", "library")


@pytest.mark.parametrize(
    ("label", "in_public", "in_tenant"),
    [("billing", True, False), ("library", False, True), ("common", True, True), ("nobody", False, False)],
)
def test_tables_belong_where_models_live(label: str, in_public: bool, in_tenant: bool, acme: Tenant) -> None:
    for place in (undecided(), public_context(), tenant_context(acme)):
        with place:
            assert router.allow_migrate("public", label) is in_public
            assert router.allow_migrate("acme", label) is in_tenant
    with tenant_context(acme):
        assert router.allow_migrate("default", label) is (in_public or in_tenant)
    assert router.allow_migrate("default", label) is in_public


def test_a_tenant_has_the_tables_of_its_models_alone(acme: Tenant) -> None:
    public = set(connections["public"].introspection.table_names())
    with tenant_context(acme):
        own = set(connections["default"].introspection.table_names())
    assert {"library_book", "common_country", "django_migrations"} <= own
    assert {"billing_plan", "common_country", "multi_tenant_tenant"} <= public
    assert not own & {"billing_plan", "multi_tenant_tenant"}
    assert "library_book" not in public


def test_static_databases_are_left_to_other_routers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(project.DATABASES, "replica", {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"})
    assert TenantRouter().allow_migrate("replica", "library") is None
    row = Author(name="x")
    row._state.db = "replica"
    assert TenantRouter().db_for_read(Author, instance=row) == "replica"
    assert TenantRouter().allow_relation(row, Author(name="y")) is None


def test_relations_are_allowed_within_one_database(acme: Tenant) -> None:
    with tenant_context(acme):
        author = Author.objects.create(name="x")
        book = Book.objects.create(title="y", author=author)
        assert router.allow_relation(author, book)
        plan = Plan.objects.create(name="free")
        assert not router.allow_relation(plan, book)


@pytest.mark.parametrize("name", ["_storage", "_get_storage", "__class__", "cvar", "settings", "all", LIVE])
def test_no_attribute_is_a_connection(name: str) -> None:
    with pytest.raises(UnknownTenantError):
        connections[name]
    with pytest.raises(connections.exception_class):
        connections[name]


def test_a_tenants_connection_can_be_put_and_taken(acme: Tenant) -> None:
    with tenant_context(acme):
        mine = connections["default"]
        del connections["acme"]
        connections["acme"] = mine
        assert connections["default"] is mine
        assert [one.alias for one in connections.all(initialized_only=True)].count("acme") == 1


def test_another_tenants_connection_needs_that_tenant_to_be_active(acme: Tenant, bolt: Tenant) -> None:
    Tenant.objects.filter(pk=bolt.pk).update(state="suspended")
    with tenant_context(acme), pytest.raises(TenantUnavailableError, match="suspended"):
        connections["bolt"]


def test_settings_show_no_tenant(acme: Tenant) -> None:
    with tenant_context(acme):
        values: Any = dict(connections.settings)
    assert set(values) == set(project.DATABASES)
