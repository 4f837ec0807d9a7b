"""Callbacks of on_commit run in the tenant that they were registered in, and look like the functions that they are."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from multi_tenant.context import current_alias, public_context, tenant_context

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_callback_runs_where_it_was_registered(tenant: Any) -> None:
    seen: list[str | None] = []
    with tenant_context(tenant):
        block = transaction.atomic()
        block.__enter__()
        transaction.on_commit(lambda: seen.append(current_alias()))
    with public_context():
        block.__exit__(None, None, None)
    assert seen == [tenant.alias]


def test_a_callback_without_a_block_runs_at_once(in_tenant: Any) -> None:
    seen: list[str | None] = []
    transaction.on_commit(lambda: seen.append(current_alias()))
    assert seen == [in_tenant.alias]


def test_a_callback_of_a_block_that_is_rolled_back_does_not_run(tenant: Any) -> None:
    """The control: it is the tenant's own commit that is waited for."""
    seen: list[str | None] = []
    with tenant_context(tenant), transaction.atomic():
        transaction.on_commit(lambda: seen.append(current_alias()))
        transaction.set_rollback(True)
    assert seen == []


def test_a_callback_equals_its_function(in_tenant: Any) -> None:
    connection = transaction.get_connection()
    with transaction.atomic():
        transaction.on_commit(current_alias)
        [[_, callback, _]] = connection.run_on_commit
        assert callback == current_alias
        assert hash(callback) == hash(current_alias)
        assert callback.__qualname__ == "current_alias"


def test_a_robust_callback_that_fails_is_logged_by_its_name(in_tenant: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        transaction.on_commit(divide, robust=True)
    assert "Error calling divide in on_commit()" in caplog.text


def test_a_partial_is_shown_as_itself(in_tenant: Any) -> None:
    function = partial(divide)
    connection = transaction.get_connection()
    with transaction.atomic():
        transaction.on_commit(function)
        assert repr(connection.run_on_commit[0][1]) == repr(function)
        transaction.set_rollback(True)


def divide() -> float:
    return 1 / 0
