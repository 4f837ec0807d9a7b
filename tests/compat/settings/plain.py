"""Settings of the plain run: Django's own test settings, files for databases, and the recording runner."""

from __future__ import annotations

import os
from pathlib import Path

from test_sqlite import *  # type: ignore[import-not-found]  # noqa: F403  (Django's own, found beside runtests.py)
from test_sqlite import DATABASES

DIRECTORY = Path(os.environ["COMPAT_DIR"])

# A tenant's database is a file, so those of the plain run are files too: the two differ in nothing but the tenant.
for alias in DATABASES:
    DATABASES[alias]["TEST"] = {"NAME": str(DIRECTORY / f"{alias}.sqlite3")}

TEST_RUNNER = "tests.compat.runner.RecordingRunner"
