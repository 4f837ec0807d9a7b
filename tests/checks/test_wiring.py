"""What Django's settings lack for tenants is told, with its cure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.models import Manager
from django.db.utils import ConnectionRouter

from multi_tenant.middleware import TenantMiddleware
from multi_tenant.models import Tenant
from multi_tenant.routing import TenantRouter, patches
from tests.checks.conftest import Found


class DerivedMiddleware(TenantMiddleware):
    """A project's own."""


class DerivedRouter(TenantRouter):
    """A project's own."""


@pytest.mark.parametrize("alias", ["public", "template"])
def test_an_alias_of_ours_is_told(monkeypatch: pytest.MonkeyPatch, alias: str, found: Found) -> None:
    monkeypatch.setitem(django_settings.DATABASES, alias, {})
    assert f'"{alias}"' in found()["E007"].msg


def test_another_alias_is_not(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    monkeypatch.setitem(django_settings.DATABASES, "warehouse", {})
    assert found() == {}


@pytest.mark.parametrize("routers", [[], ["django.db.utils.ConnectionRouter"]])
def test_a_missing_router_is_told(settings: Any, routers: list[str], found: Found) -> None:
    settings.DATABASE_ROUTERS = routers
    assert "TenantRouter" in str(found()["E008"].hint)


@pytest.mark.parametrize("router", [f"{__name__}.DerivedRouter", TenantRouter(), "multi_tenant.routing.TenantRouter"])
def test_a_router_of_the_projects_own_will_do(settings: Any, router: Any, found: Found) -> None:
    settings.DATABASE_ROUTERS = ["django.db.utils.ConnectionRouter", router]
    assert found() == {}


@pytest.mark.parametrize("middleware", [[], ["django.middleware.common.CommonMiddleware", "no.such.Middleware"]])
def test_a_missing_middleware_is_told(settings: Any, middleware: list[str], found: Found) -> None:
    settings.MIDDLEWARE = middleware
    assert "TenantMiddleware" in str(found()["E009"].hint)


def test_a_middleware_before_ours_is_told(settings: Any, found: Found) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", f"{__name__}.DerivedMiddleware"]
    assert "CommonMiddleware" in found()["W001"].msg


def test_a_middleware_of_the_projects_own_will_do(settings: Any, found: Found) -> None:
    settings.MIDDLEWARE = [f"{__name__}.DerivedMiddleware", "django.middleware.common.CommonMiddleware"]
    assert found() == {}


@pytest.fixture
def without_patches() -> Iterator[None]:
    place = patches.originals.copy()
    del patches.originals[ConnectionRouter, "db_for_write"]
    yield
    patches.originals.clear()
    patches.originals.update(place)


def test_a_change_to_django_that_was_not_made_is_told(without_patches: None, found: Found) -> None:
    assert "db_for_write" in found()["E012"].msg


def test_a_handler_that_is_not_ours_is_told(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    monkeypatch.setattr(patches, "installed", lambda: False)
    assert "connections" in found()["E012"].msg


@pytest.mark.parametrize("model", ["auth.User", "no.Such", "nonsense"])
def test_a_tenant_model_that_is_none_is_told(settings: Any, model: str, found: Found) -> None:
    settings.TENANT_MODEL = model
    assert f'"{model}"' in found()["E014"].msg


def test_a_manager_that_changes_tenants_in_silence_is_told(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    silent: Any = Manager()
    silent.model, silent.name = Tenant, "silent"
    monkeypatch.setitem(Tenant._meta.__dict__, "managers", (silent, Tenant._meta.managers_map["objects"]))
    assert "silent" in found()["E015"].msg


def test_a_tenant_model_in_tenants_is_told(settings: Any, found: Found) -> None:
    settings.TENANT_MODEL = "library.Author"
    assert "library" in found()["E006"].msg


def test_autocommit_switched_off_is_told(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "AUTOCOMMIT", False)
    assert "AUTOCOMMIT" in found()["W005"].msg
