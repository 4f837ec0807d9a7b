"""What the users app needs of a project's settings is told, with its cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import UserManager
from django.core.checks import CheckMessage, run_checks

from multi_tenant.checks import TAG
from multi_tenant.users import patches
from multi_tenant.users.middleware import MemberMiddleware
from tests.users import settings as ours

MEMBERS = "multi_tenant.users.middleware.MemberMiddleware"
Configure = Callable[..., None]


class DerivedMiddleware(MemberMiddleware):
    """A project's own."""


def found() -> dict[str, CheckMessage]:
    return {str(message.id).removeprefix("multi_tenant."): message for message in run_checks(tags=[TAG])}


def test_the_settings_of_these_tests_are_right() -> None:
    assert found() == {}


@pytest.mark.parametrize("setting", ["SHARED_APPS", "TENANT_APPS"])
def test_an_app_in_one_place_alone_is_told(configure: Configure, setting: str) -> None:
    apps = cast("list[str]", ours.MULTI_TENANT[setting])
    configure(**{setting: [app for app in apps if app != "multi_tenant.users"]})
    assert "E017" in found()


def test_a_user_model_without_members_is_told(settings: Any) -> None:
    settings.AUTH_USER_MODEL = "auth.Group"
    assert "auth.Group" in found()["E018"].msg


@pytest.mark.parametrize("name", ["objects", "others"])
def test_a_manager_that_writes_in_bulk_unguarded_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = get_user_model()._meta
    stock: Any = UserManager()
    stock.name = name
    monkeypatch.setitem(options.__dict__, "managers", (*options.managers, stock))
    assert f"GlobalUser.{name}" in found()["E024"].msg


def test_a_missing_middleware_is_told(settings: Any) -> None:
    settings.MIDDLEWARE = [path for path in ours.MIDDLEWARE if path != MEMBERS]
    assert "after AuthenticationMiddleware" in str(found()["E019"].hint)


@pytest.mark.parametrize("at", [1, 2])
def test_a_middleware_before_authentication_is_told(settings: Any, at: int) -> None:
    others = [path for path in ours.MIDDLEWARE if path != MEMBERS]
    settings.MIDDLEWARE = [*others[:at], MEMBERS, *others[at:]]
    assert set(found()) == {"E020"}


def test_a_middleware_of_the_projects_own_will_do(settings: Any) -> None:
    ours_derived = f"{__name__}.DerivedMiddleware"
    settings.MIDDLEWARE = [ours_derived if path == MEMBERS else path for path in ours.MIDDLEWARE]
    assert found() == {}


def test_a_resolver_that_cannot_be_made_is_told(configure: Configure) -> None:
    configure(MEMBER_RESOLVERS=["multi_tenant.users.resolvers.NoSuchResolver"])
    assert "MEMBER_RESOLVERS" in found()["E013"].msg


@pytest.mark.parametrize(("setting", "value"), [("SESSION_SCOPE", "galaxy"), ("MEMBERSHIP_TTL", -1)])
def test_a_value_that_cannot_be_is_told(configure: Configure, setting: str, value: Any) -> None:
    configure(**{setting: value})
    assert setting in found()["E002"].msg


def test_one_sign_in_for_sessions_that_are_kept_apart_is_told(configure: Configure) -> None:
    configure(SESSION_SCOPE="site")
    assert "W010" in found()


@pytest.mark.parametrize("engine", ["cache", "signed_cookies", "db"])
def test_one_sign_in_is_fine_where_sessions_are_shared(settings: Any, configure: Configure, engine: str) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    tenant_apps = [
        app for app in cast("list[str]", ours.MULTI_TENANT["TENANT_APPS"]) if app != "django.contrib.sessions"
    ]
    configure(SESSION_SCOPE="site", TENANT_APPS=tenant_apps)
    assert found() == {}


def test_changes_that_are_not_in_place_are_told() -> None:
    patches.uninstall()
    try:
        assert "SessionBase._get_new_session_key" in found()["E012"].msg
    finally:
        patches.install()
    assert found() == {}
