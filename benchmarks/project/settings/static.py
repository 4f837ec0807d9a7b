"""Django with each tenant's database in DATABASES, a middleware of ten lines and a router of three."""

from __future__ import annotations

from benchmarks.project.settings.base import *  # noqa: F403  # as settings do
from benchmarks.project.settings.base import APPS, CONFIGURATION, MIDDLEWARE, TABLELESS

INSTALLED_APPS = [*APPS, *TABLELESS]
MIDDLEWARE = ["benchmarks.project.static_tenancy.tenant_of_host", *MIDDLEWARE]
DATABASE_ROUTERS = ["benchmarks.project.static_tenancy.StaticRouter"]
DATABASES = {
    "default": CONFIGURATION.entry(CONFIGURATION.database),
    **{f"t{number}": CONFIGURATION.entry(name) for number, name in enumerate(CONFIGURATION.databases)},
}
