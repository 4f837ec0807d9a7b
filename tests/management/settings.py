"""The settings of the commands that tests start: the test's own database and what it changed."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403

DATABASES = {"default": json.loads(os.environ["MULTI_TENANT_TEST_PUBLIC_ENTRY"])}
MULTI_TENANT = json.loads(os.environ["MULTI_TENANT_TEST_SETTINGS"])
