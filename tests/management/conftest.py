"""Commands called in the tests' own process, on tenants of `tests.fleets`."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.core.management import call_command

from tests.fleets import acme as acme
from tests.fleets import bolt as bolt
from tests.fleets import leftovers as leftovers
from tests.fleets import postgres_entry as postgres_entry
from tests.fleets import registry as registry
from tests.fleets import server as server


@pytest.fixture
def run(registry: None) -> Callable[..., tuple[str, str]]:
    """Calls a command; gives its output and its errors, or raises what it raises."""

    def call(*arguments: str) -> tuple[str, str]:
        output, errors = io.StringIO(), io.StringIO()
        call_command(*arguments, stdout=output, stderr=errors)
        return output.getvalue(), errors.getvalue()

    return call
