"""Fifty tenants on an engine, and what must hold when a crowd has worked in them."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from multi_tenant.context import active_place, public_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.models import AbstractTenant, DatabaseServer, Tenant
from multi_tenant.registry.store import store
from multi_tenant.routing.handler import TenantConnectionHandler
from tests import servers
from tests.server_processes import data_directory
from tests.stress import audit
from tests.stress.grounds import PREFIX, Ground, ground_of
from tests.stress.worker import close_mine

ENGINES = ("sqlite", "postgres", "mariadb")
TENANTS = 50
#: Below the number of tenants, so that connections are evicted all the time.
CAP = 6
TTL = 0.05
#: No more than is used: where there are no templates each tenant is migrated.
APPS = ["django.contrib.contenttypes", "tests.testapp.common", "tests.testapp.library"]
#: SQLite's file is locked by who writes: a block that begins as a reader could not become a writer then.
OPTIONS = {"timeout": 120, "transaction_mode": "IMMEDIATE"}


@dataclass
class Town:
    """The tenants on one engine. Their databases last for the session; their rows in the registry, for a test."""

    ground: Ground
    tenants: list[AbstractTenant] = field(default_factory=list)

    def people(self, number: int) -> list[str]:
        """The aliases of so many tenants; those that are missing are made."""
        for tenant in self.tenants:
            again = copy.copy(tenant)
            again._state = copy.copy(again._state)
            again._state.adding = True
            again.server = self.ground.server()
            again.save(using=PUBLIC, force_insert=True)
        new = [f"t{index:02}" for index in range(len(self.tenants), number)]
        self.tenants += [self.ground.make(alias) for alias in new]
        audit.settle(new)
        return [tenant.alias for tenant in self.tenants[:number]]


@pytest.fixture(scope="session")
def yard() -> Iterator[Path]:
    """Where SQLite's files are: in memory, as each commit would wait for the disk."""
    with data_directory(servers.open_session() / f"crowd-{os.getpid()}", account={}) as directory:
        directory.mkdir(parents=True)
        yield directory


@pytest.fixture(scope="session")
def towns(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Town]]:
    """The towns by engine, gone with the session."""
    towns: dict[str, Town] = {}
    yield towns
    with django_db_blocker.unblock():
        for town in towns.values():
            if town.ground.outlives_tests:
                town.ground.drop()


@pytest.fixture(params=ENGINES)
def town(request: pytest.FixtureRequest, streets: None, towns: dict[str, Town]) -> Town:
    """The town on each engine."""
    name: str = request.param
    if name not in towns:
        towns[name] = Town(ground_of(name))
    return towns[name]


@pytest.fixture
def hamlet(streets: None) -> Town:
    """A town on SQLite for one test, which may spoil it."""
    return Town(ground_of("sqlite"))


@pytest.fixture
def streets(
    towns: None, yard: Path, transactional_db: None, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The public database without a test's transaction, and Django as it is outside of tests."""
    configure(
        DATABASE_PREFIX=PREFIX,
        ENTRY_HOSTS=["127.0.0.1", "localhost"],
        MAX_CONNECTIONS_PER_THREAD=CAP,
        REGISTRY_TTL=TTL,
        SQLITE_DIR=yard,
        TENANT_APPS=APPS,
    )
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", OPTIONS)
    Tenant.objects.all().delete()
    DatabaseServer.objects.all().delete()
    store.clear()
    with public_context():
        audit.settle_public()
    # The test kit's handler keeps each connection that it hands out, for the flush; there is none of tenants here.
    observed = connections.__class__
    monkeypatch.setattr(connections, "__class__", TenantConnectionHandler)
    before = active_place.get()
    yield
    active_place.set(before)
    close_mine()
    monkeypatch.setattr(connections, "__class__", observed)
    Tenant.objects.all().delete()
    store.clear()
