"""A tenant's SQLite file is opened, never made, by a connection that serves it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from multi_tenant import tenant_context
from multi_tenant.exceptions import TenantConnectionError, WrongDatabaseError
from multi_tenant.registry.models import Tenant
from tests.testapp.library.models import Author


def lead_to(tenant: Tenant, path: Path) -> None:
    """Have the tenant's entry name another file."""
    tenant.placement = "own"
    tenant.database = {"NAME": str(path), "ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 0.01}}
    tenant.save()


@pytest.mark.parametrize("name", ["gone.sqlite3", "gone ?mode=rwc#%20.sqlite3"])
def test_a_file_that_was_deleted_does_not_come_back(
    acme: Tenant, tmp_path: Path, name: str, configure: Callable[..., None]
) -> None:
    configure(SQLITE_DIR=tmp_path)
    lead_to(acme, tmp_path / name)
    with tenant_context("acme"), pytest.raises(TenantConnectionError, match="cannot be opened"):
        Author.objects.count()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("statement", "error"), [("BEGIN EXCLUSIVE", TenantConnectionError), ("", WrongDatabaseError)])
def test_a_locked_file_is_not_taken_for_another_tenants(
    acme: Tenant, tmp_path: Path, configure: Callable[..., None], statement: str, error: type[Exception]
) -> None:
    """Its marker cannot be read; without the lock, there is none."""
    configure(SQLITE_DIR=tmp_path)
    lead_to(acme, tmp_path / "acme.sqlite3")
    with closing(sqlite3.connect(tmp_path / "acme.sqlite3")) as writer:
        writer.execute("CREATE TABLE anything (x)")
        writer.execute(statement)
        with tenant_context("acme"), pytest.raises(error):
            Author.objects.count()
