"""A tenant named in the path is as if mounted there: `reverse()`, the request's paths, and what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.sites import AdminSite
from django.test import RequestFactory
from django.urls import get_script_prefix, path, set_script_prefix

from multi_tenant.conf import Conf
from multi_tenant.middleware.visit import move_prefix
from multi_tenant.registry.models import Tenant
from tests.middleware import urls
from tests.middleware.conftest import Factory
from tests.middleware.drivers import asgi, get, wsgi

both_modes = pytest.mark.parametrize("mode", ["sync", "async"])


@pytest.fixture(autouse=True)
def by_path(acme: Tenant, configure: Any) -> None:
    configure(
        RESOLVERS=[("multi_tenant.resolvers.PathResolver", {"prefix": "t"}), "multi_tenant.resolvers.DomainResolver"]
    )


@pytest.fixture(autouse=True)
def prefix_restored() -> Iterator[None]:
    before = get_script_prefix()
    yield
    assert get_script_prefix() == before


@both_modes
@pytest.mark.parametrize("route", ["/t/acme/", "/t/acme", "/t/acme/a/"])
def test_the_site_is_mounted_under_its_tenant(mode: str, route: str) -> None:
    facts = get(route, "example.com", mode).json()
    assert facts["alias"] == "acme"
    assert facts["reversed"] == facts["prefix"] == "/t/acme/"
    assert (facts["script_name"], facts["path"]) == ("/t/acme", "/t/acme/a/" if route.endswith("a/") else "/t/acme/")
    assert facts["path_info"] == facts["path"].removeprefix("/t/acme")


@both_modes
def test_other_paths_of_the_host_are_public(mode: str) -> None:
    facts = get("/a/", "example.com", mode).json()
    assert (facts["alias"], facts["reversed"], facts["script_name"]) == ("public", "/", "")


@both_modes
def test_a_domain_has_no_prefix(mode: str) -> None:
    facts = get("/a/", "acme.example.com", mode).json()
    assert (facts["alias"], facts["reversed"]) == ("acme", "/")


@pytest.mark.parametrize("route", ["/t/nobody/", "/t/ACME/", "/t/a%00b/", "/t/..%2f/", "/t/public/", "/t/default/"])
@both_modes
def test_what_names_no_tenant_is_not_found(mode: str, route: str) -> None:
    assert get(route, "example.com", mode).status_code == 404


@pytest.mark.parametrize("state", ["suspended", "pending"])
def test_a_refused_tenant_moves_no_prefix(make_tenant: Factory, state: str) -> None:
    make_tenant("idle", state=state)
    response = get("/t/idle/", "example.com", "sync")
    assert response.status_code in {403, 503}
    assert response.wsgi_request.path_info == "/t/idle/"


@both_modes
def test_a_slash_is_appended_behind_the_prefix(settings: Any, mode: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.common.CommonMiddleware"]
    response = get("/t/acme/authors", "example.com", mode)
    assert (response.status_code, response["Location"]) == (301, "/t/acme/authors/")


def test_a_deployment_below_a_path_keeps_it() -> None:
    """Both handlers set the prefix of the request's thread or task, and leave it."""
    _, body = wsgi("example.com", "/t/acme/", SCRIPT_NAME="/shop")
    set_script_prefix("/")
    assert '"reversed": "/shop/t/acme/"' in body
    assert '"path": "/shop/t/acme/"' in body


def test_it_works_by_asgi() -> None:
    _, body = asgi("example.com", "/t/acme/a/")
    assert '"reversed": "/t/acme/"' in body


def test_the_servers_own_environ_is_left_alone() -> None:
    request = RequestFactory().get("/t/acme/a/")
    assert move_prefix(request, "/t/acme") == "/t/acme/"
    assert (request.META["PATH_INFO"], request.environ["PATH_INFO"]) == ("/a/", "/t/acme/a/")
    assert request.get_full_path() == "/t/acme/a/"
    assert request.build_absolute_uri() == "http://testserver/t/acme/a/"


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "control"])
@both_modes
def test_assets_of_the_first_tenant_are_not_everybodys(
    settings: Any, monkeypatch: pytest.MonkeyPatch, mode: str, settled: bool
) -> None:
    """Django keeps a relative STATIC_URL with the script prefix of its first use."""
    if not settled:
        monkeypatch.setattr(Conf, "settle_asset_urls", lambda conf: None)
    settings.STATIC_URL = "static/"
    settings.MEDIA_URL = "media/"
    facts = get("/t/acme/", "example.com", mode).json()
    assert facts["assets"] == (["/static/", "/media/"] if settled else ["/t/acme/static/", "/t/acme/media/"])
    assert get("/", "example.com", mode).json()["assets"] == facts["assets"]


urlpatterns = [*urls.urlpatterns, path("admin/", AdminSite().urls)]


@both_modes
def test_the_admin_stays_under_the_prefix(settings: Any, mode: str) -> None:
    settings.ROOT_URLCONF = __name__
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin", "django.contrib.messages"]
    settings.STATIC_URL = "static/"
    response = get("/t/acme/admin/", "example.com", mode)
    assert (response.status_code, response["Location"]) == (302, "/t/acme/admin/login/?next=/t/acme/admin/")
    login = get("/t/acme/admin/login/?next=/t/acme/admin/", "example.com", mode).text
    assert 'href="/static/admin/css/base.css"' in login
    assert 'action="/t/acme/admin/login/?next=/t/acme/admin/"' in login
