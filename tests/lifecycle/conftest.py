"""Places for tenants: the public server and, through the registry, a server of the other engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from multi_tenant.databases.base import Engine
from multi_tenant.lifecycle.placement import public_engine, server_engine
from multi_tenant.lifecycle.template import prefix
from multi_tenant.registry.models import DatabaseServer
from tests import servers


@pytest.fixture
def registry(transactional_db: None, configure: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """The public database without a test's transaction, and a prefix whose databases are dropped at the end."""
    configure(DATABASE_PREFIX=f"t{abs(hash(request.node.nodeid)) % 10**8}_", ENTRY_HOSTS=["127.0.0.1", "localhost"])
    yield
    for engine in engines():
        drop_all(engine)


@pytest.fixture
def postgres_server(registry: None, postgres_url: str) -> DatabaseServer:
    """A PostgreSQL server in the registry."""
    server = DatabaseServer(name="postgres", credentials=servers.database_entry(postgres_url))
    server.save()
    return server


@pytest.fixture(params=["public", "postgres"])
def server(request: pytest.FixtureRequest, registry: None) -> DatabaseServer | None:
    """Each place that needs no entry: None for the public server."""
    if request.param == "public":
        return None
    found: DatabaseServer = request.getfixturevalue("postgres_server")
    return found


def engines() -> list[Engine]:
    registered = [server_engine(server, alias="cleaner") for server in DatabaseServer.objects.all()]
    return [public_engine("cleaner"), *registered]


def drop_all(engine: Engine) -> None:
    for name in engine.names(prefix().removesuffix("template_")):
        engine.drop(name)
