"""What the checks find, by id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.checks import CheckMessage, run_checks

from multi_tenant.checks import TAG

Found = Callable[[], dict[str, CheckMessage]]


@pytest.fixture
def found() -> Found:
    def run() -> dict[str, CheckMessage]:
        return {str(message.id).removeprefix("multi_tenant."): message for message in run_checks(tags=[TAG])}

    return run
