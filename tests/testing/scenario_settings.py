"""The settings of the scenarios' process: those of the tests, and databases that no other process has."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

TEST = DATABASES["default"]["TEST"]
TEST["NAME"] = f"{TEST['NAME']}_{os.getpid()}"
