"""Inside a TestCase the public database is in the test's own transaction, and a tenant can be made all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant, delete
from multi_tenant.lifecycle.placement import public_engine
from tests.lifecycle.conftest import PREFIX, drop_all
from tests.testapp.library.models import Author


@pytest.fixture
def cleaned(db: None, configure: Any) -> Iterator[None]:
    configure(DATABASE_PREFIX=f"{PREFIX}case_")
    yield
    drop_all(public_engine("cleaner"), f"{PREFIX}case_")


@pytest.mark.parametrize("time", [1, 2])
def test_a_tenant_lives_and_dies_within_a_test(time: int, cleaned: None) -> None:
    create_tenant("acme", domains=["acme.example"])
    with tenant_context("acme"):
        Author.objects.create(name="one")
        assert Author.objects.count() == 1
    assert delete("acme", force=True, archive=False).state == "deleted"
