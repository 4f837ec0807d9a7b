"""The settings of the commands that tests start: the tests' own database, and what the test changed."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403

MULTI_TENANT = json.loads(os.environ["MULTI_TENANT_TEST_SETTINGS"])
