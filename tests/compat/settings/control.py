"""Settings of the control run: as inside a tenant, but the tenant is called `default`."""

from __future__ import annotations

from tests.compat.settings.tenant import *  # noqa: F403

TEST_RUNNER = "tests.compat.inside.ControlRunner"
