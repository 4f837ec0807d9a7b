"""Settings of the plain run: Django's own test settings, and a runner that writes down each outcome."""

from __future__ import annotations

from test_sqlite import *  # type: ignore[import-not-found]  # noqa: F403  (Django's own, found beside runtests.py)

TEST_RUNNER = "tests.compat.runner.RecordingRunner"
