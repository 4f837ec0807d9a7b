"""The settings of the crowd's site: those of the other journeys, with its own views and nothing in their way."""

from __future__ import annotations

import os

from tests.journeys import settings as journeys
from tests.journeys.settings import *  # noqa: F403  # Django reads every name of a settings module

ROOT_URLCONF = "tests.journeys.crowd.urls"
MIDDLEWARE = ["multi_tenant.middleware.TenantMiddleware"]
# Async views cannot be in a transaction.
DATABASES = {
    "default": {
        **journeys.DATABASES["default"],
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": int(os.environ.get("CROWD_CONN_MAX_AGE", "0")),
    }
}
