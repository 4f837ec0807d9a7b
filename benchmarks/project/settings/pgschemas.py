"""django-pgschemas, as its documentation sets it up."""

from __future__ import annotations

from benchmarks.project.settings.base import *  # noqa: F403  # as settings do
from benchmarks.project.settings.base import APPS, CONFIGURATION, MIDDLEWARE, TABLELESS

SHARED = ["django_pgschemas", "benchmarks.project.pgschemas_registry", "django.contrib.contenttypes"]
TENANTS = {
    "public": {"APPS": SHARED},
    "default": {
        "TENANT_MODEL": "pgschemas_registry.Client",
        "DOMAIN_MODEL": "pgschemas_registry.Host",
        "APPS": [app for app in APPS if app not in SHARED],
        "URLCONF": "benchmarks.project.urls",
        **({"CLONE_REFERENCE": "base"} if CONFIGURATION.cloning else {}),
    },
}
INSTALLED_APPS = [*SHARED, *(app for app in APPS if app not in SHARED), *TABLELESS]
MIDDLEWARE = ["django_pgschemas.routing.middleware.DomainRoutingMiddleware", *MIDDLEWARE]
DATABASES = {
    "default": {
        **CONFIGURATION.entry(CONFIGURATION.database),
        "ENGINE": "django_pgschemas.postgresql",
    }
}
DATABASE_ROUTERS = ["django_pgschemas.routers.TenantAppsRouter"]
PGSCHEMAS_LIMIT_SET_CALLS = CONFIGURATION.tuned
