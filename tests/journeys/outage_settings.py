"""The settings of a journey through outages: what is served of a lost registry, and what the controls take away."""

from __future__ import annotations

import os

from tests.journeys import settings as journey
from tests.journeys.settings import *  # noqa: F403  # Django reads every name of a settings module

MULTI_TENANT = {**journey.MULTI_TENANT, "REGISTRY_STALE_IF_ERROR": float(os.environ["OUTAGE_STALE"])}
DATABASES = {"default": {**journey.DATABASES["default"], "CONN_MAX_AGE": float(os.environ["OUTAGE_MAX_AGE"])}}
if os.environ.get("DEMO_POSTGRES"):
    # A server that does not answer is given up after a while; the driver itself would wait for two minutes.
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 2}
INSTALLED_APPS = list(journey.INSTALLED_APPS)
if os.environ.get("OUTAGE_WITHOUT_PAGES"):
    INSTALLED_APPS += ["tests.journeys.without_pages.WithoutPages"]
if os.environ.get("OUTAGE_WITHOUT_ANOTHER_TRY"):
    INSTALLED_APPS += ["tests.journeys.without_another_try.WithoutAnotherTry"]
