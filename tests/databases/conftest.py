"""An engine of each vendor, and names that its databases may have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.registry.entry import Entry, complete_own
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing.wrapper import tenant_connection
from tests import servers

PREFIX = f"e{os.getpid()}_"


@pytest.fixture
def unblocked(django_db_blocker: Any) -> Iterator[None]:
    """An engine's connections are of Django's classes, which pytest-django keeps from tests without a database."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def sqlite(unblocked: None, configure: Any, tmp_path: Path) -> Engine:
    configure(SQLITE_DIR=tmp_path / "tenants")
    return engine_of(complete_own({"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}), alias="acme")


@pytest.fixture
def postgresql(unblocked: None, postgres_url: str) -> Iterator[Engine]:
    engine = engine_of(complete_own(servers.database_entry(postgres_url)), alias="acme")
    yield engine
    for name in engine.names(PREFIX):
        engine.drop(name)
    for login in engine.logins(PREFIX):
        engine.drop_login(login)


@pytest.fixture
def mysql(unblocked: None, mariadb_url: str) -> Iterator[Engine]:
    engine = engine_of(complete_own(servers.database_entry(mariadb_url)), alias="acme")
    yield engine
    for name in engine.names(PREFIX):
        engine.drop(name)
    for login in engine.logins(PREFIX):
        engine.drop_login(login)


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


def run(engine: Engine, name: str, statement: str) -> list[Any]:
    """Run a statement in one of the engine's databases; answers the rows."""
    record = TenantRecord("acme", None, "", "", Entry(engine.entry_for(name)), marked=False)
    connection = tenant_connection(record)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()
