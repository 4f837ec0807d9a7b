"""Django without tenancy: one database, whatever the host."""

from __future__ import annotations

from benchmarks.project.settings.base import *  # noqa: F403  # as settings do
from benchmarks.project.settings.base import APPS, CONFIGURATION, TABLELESS

INSTALLED_APPS = [*APPS, *TABLELESS]
DATABASES = {"default": CONFIGURATION.entry(CONFIGURATION.database)}
