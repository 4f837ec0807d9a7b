"""Tenants made by the lifecycle itself, on real servers, for the tests of fleet and management."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.plugin import DjangoDbBlocker

from multi_tenant.context import tenant_context
from multi_tenant.databases.base import Engine
from multi_tenant.lifecycle import create_tenant
from multi_tenant.lifecycle.placement import own_engine, public_engine
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.models import DatabaseServer, Tenant
from multi_tenant.registry.store import store
from multi_tenant.routing.owner import retire
from tests import servers
from tests.settings import PUBLIC

#: One for each process, so that its tests share the templates that new tenants are cloned from.
PREFIX = f"fleet{os.getpid()}_"
#: For tests of what engines do differently; where the public database is on PostgreSQL, that is tested anyway.
on_each_engine = pytest.mark.parametrize(
    "server", ["public"] if PUBLIC == "postgres" else ["public", "postgres"], indirect=True
)


@pytest.fixture(scope="session")
def leftovers(django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Engine]]:
    """The engines that were used, by server; at the session's end nothing of it is left on them."""
    engines: dict[str, Engine] = {}
    yield engines
    with django_db_blocker.unblock():
        for engine in engines.values():
            drop(engine, PREFIX)


@pytest.fixture
def registry(transactional_db: None, configure: Callable[..., None], leftovers: dict[str, Engine]) -> Iterator[None]:
    """The public database without a test's transaction; tenants' databases are dropped after the test."""
    configure(DATABASE_PREFIX=PREFIX, ENTRY_HOSTS=["127.0.0.1", "localhost"], TENANT_LOGINS=True)
    # The kit keeps tenants for a whole session; it puts their rows back when the test is over.
    Tenant.objects.all().delete()
    DatabaseServer.objects.all().delete()
    store.clear()
    leftovers["public"] = public_engine("cleaner")
    yield
    for engine in leftovers.values():
        drop(engine, PREFIX, but=f"{PREFIX}template_")
    store.clear()


@pytest.fixture
def postgres_entry(registry: None, postgres_url: str, leftovers: dict[str, Engine]) -> dict[str, Any]:
    """An entry on a PostgreSQL of its own, for a database that is not there."""
    entry = servers.database_entry(postgres_url, name=f"{PREFIX}own")
    leftovers["postgres"] = own_engine(complete_own(entry), alias="cleaner")
    return entry


@pytest.fixture
def server(request: pytest.FixtureRequest, registry: None) -> DatabaseServer | None:
    """Where tenants are placed: None for the public server, else a PostgreSQL of the registry."""
    if getattr(request, "param", "public") == "public":
        return None
    credentials: Any = {**request.getfixturevalue("postgres_entry"), "NAME": "postgres"}
    server: DatabaseServer = DatabaseServer.objects.create(name="postgres", credentials=credentials)
    return server


@pytest.fixture
def acme(server: DatabaseServer | None) -> Any:
    """An active tenant."""
    return made("acme", server)


@pytest.fixture
def bolt(server: DatabaseServer | None) -> Any:
    """Another one, on the same server."""
    return made("bolt", server)


def made(alias: str, server: DatabaseServer | None) -> Any:
    """A new tenant. Its connection, which is kept for the first visitor, is closed."""
    tenant = create_tenant(alias, server=server)
    retire(alias)
    return tenant


def drop(engine: Engine, prefix: str, *, but: str = " ") -> None:
    for name in engine.names(prefix):
        if not name.startswith(but):
            engine.drop(name)
    for login in engine.logins(prefix):
        if but == " " or "rows_" not in login:  # the group's, which templates are open to
            engine.drop_login(login)


def put_behind(alias: str) -> None:
    """Take a migration back from a tenant."""
    with tenant_context(alias, any_state=True):
        call_command("migrate", "library", "zero", verbosity=0)


def break_migrations(alias: str) -> None:
    """Make a tenant forget that it has a migration, whose tables it keeps: it fails when it is applied again."""
    with tenant_context(alias):
        MigrationRecorder(connection).record_unapplied("library", "0001_initial")
    Tenant.objects.filter(alias=alias).update(fingerprint="")
