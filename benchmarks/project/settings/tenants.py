"""django-tenants, as its documentation sets it up."""

from __future__ import annotations

from benchmarks.project.settings.base import *  # noqa: F403  # as settings do
from benchmarks.project.settings.base import APPS, CONFIGURATION, MIDDLEWARE, TABLELESS

SHARED_APPS = ["django_tenants", "benchmarks.project.tenants_registry", "django.contrib.contenttypes"]
TENANT_APPS = APPS
INSTALLED_APPS = [*SHARED_APPS, *(app for app in APPS if app not in SHARED_APPS), *TABLELESS]
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware", *MIDDLEWARE]
DATABASES = {
    "default": {
        **CONFIGURATION.entry(CONFIGURATION.database),
        "ENGINE": "django_tenants.postgresql_backend",
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL = "tenants_registry.Client"
TENANT_DOMAIN_MODEL = "tenants_registry.Host"
TENANT_LIMIT_SET_CALLS = CONFIGURATION.tuned
if CONFIGURATION.cloning:
    TENANT_CREATION_FAKES_MIGRATIONS = True
    TENANT_BASE_SCHEMA = "base"
