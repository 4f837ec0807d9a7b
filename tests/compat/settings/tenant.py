"""Settings of the run inside a tenant: those of the plain run, with multi_tenant installed."""

from __future__ import annotations

import json
import os
import sys

from cryptography.fernet import Fernet

from tests.compat.settings import plain
from tests.compat.settings.plain import *  # noqa: F403
from tests.compat.settings.plain import DIRECTORY

if hasattr(sys.modules["__main__"], "ALWAYS_INSTALLED_APPS"):
    # Django's runtests.py sets INSTALLED_APPS itself, from a list of its own that it has made by now.
    sys.modules["__main__"].ALWAYS_INSTALLED_APPS.insert(0, "multi_tenant")
else:
    INSTALLED_APPS = ["multi_tenant", *vars(plain)["INSTALLED_APPS"], *json.loads(os.environ["COMPAT_ROOMS"])]

MULTI_TENANT = {
    "ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
    "SQLITE_DIR": DIRECTORY,
    # Tests that count queries, or stop the clock, are not to meet a poll of the registry's version.
    "REGISTRY_TTL": 10**9,
}

TEST_RUNNER = "tests.compat.inside.TenantRunner"
