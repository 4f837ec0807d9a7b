"""Processes that tests start: real ones, on the test's own public database."""

from __future__ import annotations

import os
from pathlib import Path

from django.db import connections

from multi_tenant.registry.aliases import PUBLIC

ROOT = Path(__file__).parents[1]


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that shares the test's databases, with more variables."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "MULTI_TENANT_TEST_DATABASE": str(connections[PUBLIC].settings_dict["NAME"]),
        **more,
    }
