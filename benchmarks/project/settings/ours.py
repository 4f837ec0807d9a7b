"""The package of this checkout."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from benchmarks.project.settings.base import *  # noqa: F403  # as settings do
from benchmarks.project.settings.base import APPS, CONFIGURATION, MIDDLEWARE, TABLELESS

INSTALLED_APPS = ["multi_tenant", *APPS, *TABLELESS]
MIDDLEWARE = ["multi_tenant.middleware.TenantMiddleware", *MIDDLEWARE]
DATABASE_ROUTERS = ["multi_tenant.routing.TenantRouter"]
DATABASES = {"default": CONFIGURATION.entry(CONFIGURATION.database)}
MULTI_TENANT: dict[str, Any] = {
    "SHARED_APPS": ["multi_tenant"],
    "TENANT_APPS": APPS,
    "ENCRYPTION_KEYS": [base64.urlsafe_b64encode(b"nothing but numbers are secured.").decode()],
    "DATABASE_PREFIX": f"{Path(CONFIGURATION.database).stem}_",
    "MAX_CONNECTIONS_PER_THREAD": CONFIGURATION.cap,
    **({"GUARD": CONFIGURATION.guard} if CONFIGURATION.guard else {}),
}
