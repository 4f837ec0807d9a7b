"""The check of what Django's own settings must hold for multi_tenant, and of the changes made to Django."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from multi_tenant.checks.findings import finding, on_readable_settings
from multi_tenant.conf import conf
from multi_tenant.middleware.tenant import TenantMiddleware
from multi_tenant.registry.aliases import PUBLIC, TEMPLATE
from multi_tenant.registry.models import AbstractTenant, RegistryQuerySet
from multi_tenant.routing import patches
from multi_tenant.routing.router import TenantRouter


@on_readable_settings
def check_wiring(**kwargs: Any) -> Iterator[CheckMessage]:
    """Databases, router, middleware, tenant model and changes to Django."""
    for alias in (PUBLIC, TEMPLATE):
        if alias in conf.static_databases:
            yield finding("E007", alias=alias)
    if conf.public_database.get("AUTOCOMMIT") is False:
        yield finding("W005")
    if not any(is_ours(router, TenantRouter) for router in conf.database_routers):
        yield finding("E008")
    yield from middleware_findings()
    if not is_tenant_model(conf.TENANT_MODEL):
        yield finding("E014", model=conf.TENANT_MODEL)
    else:
        for manager in silent_managers(apps.get_model(conf.TENANT_MODEL)):
            yield finding("E015", manager=manager)
    if missing := missing_patches():
        yield finding("E012", missing=", ".join(missing))


def middleware_findings() -> Iterator[CheckMessage]:
    """What is wrong with where the middleware stands."""
    ours = [index for index, path in enumerate(conf.middleware) if is_ours(path, TenantMiddleware)]
    if not ours:
        yield finding("E009")
    elif ours[0]:
        yield finding("W001", before=conf.middleware[0])


def is_ours(item: Any, cls: type) -> bool:
    """Whether an item of a setting, a dotted path or an object, is a class of ours or derived from it."""
    try:
        found = import_string(item) if isinstance(item, str) else item
    except ImportError:  # Django says so itself when it needs it
        return False
    return issubclass(found if isinstance(found, type) else type(found), cls)


def is_tenant_model(name: str) -> bool:
    """Whether there is such a model, and it is made to be the tenant."""
    try:
        return issubclass(apps.get_model(name), AbstractTenant)
    except (LookupError, ValueError):
        return False


def silent_managers(model: Any) -> list[str]:
    """The managers whose ``update()`` and bulk calls do not raise the registry's version."""
    return [
        manager.name for manager in model._meta.managers if not isinstance(manager.get_queryset(), RegistryQuerySet)
    ]


def missing_patches() -> list[str]:
    """The changes to Django, and to what else is installed, that were not made, or undone."""
    users: Any = import_string("multi_tenant.users.patches.PATCHES") if apps.is_installed("multi_tenant.users") else ()
    wanted = [(owner, name) for owner, name, _ in (*patches.PATCHES, *users)]
    names = [f"{owner.__name__}.{name}" for owner, name in wanted if (owner, name) not in patches.originals]
    if apps.is_installed("multi_tenant.contrib.rest"):
        names += import_string("multi_tenant.contrib.rest.patches.missing")()
    return names if patches.installed() else ["django.db.connections", *names]
