"""The check of what the users app needs: its home, its user model, its middleware, and where sessions are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from multi_tenant.checks.findings import finding, finding_of, on_readable_settings
from multi_tenant.checks.wiring import is_ours
from multi_tenant.conf import SessionScope, conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers.chain import make_resolver
from multi_tenant.routing.homes import Home, home_of

USERS = "multi_tenant.users"
#: By its path: importing it loads auth's models, which a project without users does not have.
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
#: Engines that keep sessions in the rows of django.contrib.sessions.
ROW_ENGINES = frozenset({"django.contrib.sessions.backends.db", "django.contrib.sessions.backends.cached_db"})


@on_readable_settings
def check_people(**kwargs: Any) -> Iterator[CheckMessage]:
    """The settings that go with multi_tenant.users, where it is installed."""
    if not apps.is_installed(USERS):
        return
    if home_of("multi_tenant_users") is not Home.BOTH:
        yield finding("E017")
    if not hasattr(apps.get_model(conf.AUTH_USER_MODEL), "IDENTITY_FIELDS"):
        yield finding("E018", model=conf.AUTH_USER_MODEL)
    else:
        yield from manager_findings()
    yield from middleware_findings()
    if apps.is_installed("rest_framework") and not apps.is_installed("multi_tenant.contrib.rest"):
        yield finding("E023")
    for item in conf.MEMBER_RESOLVERS:
        try:
            make_resolver(item, setting="MEMBER_RESOLVERS")
        except ConfigurationError as exc:
            yield finding_of("E013", exc)
    if conf.SESSION_SCOPE is SessionScope.SITE and keeps_sessions_apart():
        yield finding("W010")


def manager_findings() -> Iterator[CheckMessage]:
    """Managers of the user model that do not look at whom they write."""
    model: Any = apps.get_model(conf.AUTH_USER_MODEL)
    guarded = import_string(f"{USERS}.managers.GlobalUserQuerySet")
    for manager in model._meta.managers:
        if not issubclass(getattr(manager, "_queryset_class", object), guarded):
            yield finding("E024", manager=f"{model._meta.object_name}.{manager.name}")


def middleware_findings() -> Iterator[CheckMessage]:
    """What is wrong with where the members' middleware stands."""
    cls = import_string(f"{USERS}.middleware.MemberMiddleware")
    ours = [index for index, path in enumerate(conf.middleware) if is_ours(path, cls)]
    needed = [index for index, path in enumerate(conf.middleware) if is_ours(path, import_string(AUTHENTICATION))]
    if not ours:
        yield finding("E019")
    elif not needed or ours[0] < needed[0]:
        yield finding("E020")


def keeps_sessions_apart() -> bool:
    """Whether each tenant's database has sessions of its own."""
    return conf.SESSION_ENGINE in ROW_ENGINES and home_of("sessions") is not Home.SHARED
