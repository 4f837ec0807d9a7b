"""What Django caches for the whole process is kept apart by place, and bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.test import override_settings

from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context, tenant_context
from multi_tenant.exceptions import NoTenantError
from multi_tenant.routing import handler, patches
from tests.promises.control import Without, guarded_by


@pytest.fixture
def sites(settings: Any, transactional_db: None, acme: Any, bolt: Any) -> Iterator[Any]:
    """The model of sites, installed in both places, with a site of the same key in each."""
    homes = {key: [*settings.MULTI_TENANT[key], "django.contrib.sites"] for key in ("SHARED_APPS", "TENANT_APPS")}
    installed = [*settings.INSTALLED_APPS, "django.contrib.sites"]
    places = [public_context(), *(tenant_context(tenant) for tenant in (acme, bolt))]
    with ExitStack() as stack:
        stack.callback(undo, made=set(patches.originals))
        stack.enter_context(override_settings(MULTI_TENANT={**settings.MULTI_TENANT, **homes}))
        stack.enter_context(override_settings(INSTALLED_APPS=installed, SITE_ID=1))
        model = apps.get_app_config("sites").get_model("Site")
        for place in places:
            stack.enter_context(table(model, place))
        yield model


def undo(*, made: set[Any]) -> None:
    """Leave Django's sites as they were before they were installed."""
    for change in patches.originals.keys() - made:
        setattr(*change, patches.originals.pop(change))


@contextmanager
def table(model: Any, place: Any) -> Iterator[None]:
    """The table of a model at a place, with a site that bears the place's name."""
    with place.again(), connections["default"].schema_editor() as editor:
        editor.create_model(model)
    with place.again():
        model.objects.create(pk=1, domain=f"{connections['default'].alias}.example")
    yield
    with place.again(), connections["default"].schema_editor() as editor:
        editor.delete_model(model)


def one_cache() -> AbstractContextManager[Any]:
    """Django's own cache, which all places share."""
    return patch("django.contrib.sites.models.SITE_CACHE", {})


@guarded_by(one_cache)
def test_a_site_of_one_tenant_is_not_given_to_another(sites: Any) -> None:
    found = []
    for place in public_context(), tenant_context("acme"), tenant_context("bolt"), tenant_context("acme"):
        with place:
            found.append(sites.objects.get_current().domain)
    assert found == ["public.example", "acme.example", "bolt.example", "acme.example"]


def test_a_cached_site_is_not_asked_for_again(sites: Any, django_assert_num_queries: Any) -> None:
    with tenant_context("acme"):
        sites.objects.get_current()
        with django_assert_num_queries(0, connection=connections["default"]):
            sites.objects.get_current()


def test_a_changed_site_is_read_anew_in_its_own_tenant(sites: Any) -> None:
    with tenant_context("bolt"):
        kept = sites.objects.get_current()
    with tenant_context("acme"):
        site = sites.objects.get_current()
        site.domain = "changed.example"
        site.save()
        assert sites.objects.get_current() is not site
        sites.objects.clear_cache()
    with tenant_context("bolt"):
        assert sites.objects.get_current() is kept


def test_a_site_is_deleted_though_its_app_is_hidden(sites: Any, settings: Any) -> None:
    hidden = [app for app in settings.INSTALLED_APPS if app != "django.contrib.sites"]
    with tenant_context("acme"):
        site = sites.objects.get_current()
        with override_settings(INSTALLED_APPS=hidden):
            site.delete()
        with pytest.raises(sites.DoesNotExist):
            sites.objects.get_current()


def test_nothing_is_cached_where_nothing_is_decided(sites: Any) -> None:
    with fixed_context(UNDECIDED_PLACE), pytest.raises(NoTenantError):
        sites.objects.get_current()


@guarded_by(Without(handler.TenantConnectionHandler, "_forget_oldest"))
def test_the_caches_are_bounded_though_nothing_is_retired(
    tenant_factory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "MAX_CACHED", 2)
    tenants = [tenant_factory() for _ in range(4)]
    for tenant in tenants:
        with tenant_context(tenant):
            ContentType.objects.get_for_model(ContentType)
    cached = ContentType.objects._cache  # type: ignore[attr-defined]  # Django's own
    assert [tenant.alias for tenant in tenants if tenant.alias in cached] == [each.alias for each in tenants[-2:]]
