"""Places for tenants, and what stands in them: names of databases, and rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from multi_tenant.conf import conf
from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.lifecycle.placement import public_engine, server_engine, tenant_model
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.models import DatabaseServer, Domain
from multi_tenant.registry.store import store
from tests import servers
from tests.lifecycle.places import run
from tests.settings import PUBLIC

#: One for the process, so that its tests share their templates.
PREFIX = f"t{os.getpid()}_"
SQLITE = "django.db.backends.sqlite3"
World = Callable[[], Any]
#: Places that have templates, which MySQL has not.
TEMPLATED = ["postgres"] if PUBLIC == "mariadb" else ["public", "postgres"]


@pytest.fixture(scope="session")
def templates(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Drops the templates after the last test: a server of the user's own outlives the session."""
    yield
    with django_db_blocker.unblock():
        for engine in known_engines:
            drop_all(engine, PREFIX)


@pytest.fixture
def dropped(templates: None, django_db_blocker: Any) -> Iterator[None]:
    """Drops the databases of the test, after all else: Django flushes those that the test used."""
    yield
    with django_db_blocker.unblock():
        for engine in known_engines:
            drop_all(engine, PREFIX, keep=f"{PREFIX}template_")


@pytest.fixture
def registry(dropped: None, transactional_db: None, configure: Any) -> None:
    """The public database without a test's transaction, and a prefix for the databases of the test."""
    configure(DATABASE_PREFIX=PREFIX, ENTRY_HOSTS=["127.0.0.1", "localhost"], TENANT_LOGINS=True)
    files = engine_of(complete_own({"ENGINE": SQLITE, "NAME": "cleaner"}), alias="cleaner")
    known_engines[:] = [files, public_engine("cleaner")]
    store.clear()  # the version of the emptied registry begins anew


@pytest.fixture
def postgres(registry: None, postgres_url: str) -> DatabaseServer:
    """A PostgreSQL server in the registry."""
    return add_server("postgres", servers.database_entry(postgres_url))


@pytest.fixture
def plain_server(postgres: DatabaseServer, configure: Any) -> Iterator[DatabaseServer]:
    """A PostgreSQL server whose login may do no more than make databases of its own."""
    with server_of_login(postgres.credentials, "CREATEDB", configure) as server:
        yield server


@pytest.fixture
def maker_server(postgres: DatabaseServer, configure: Any) -> Iterator[DatabaseServer]:
    """A PostgreSQL server whose login is no superuser, and may make databases and roles."""
    with server_of_login(postgres.credentials, "CREATEDB CREATEROLE", configure) as server:
        yield server


@contextmanager
def server_of_login(superuser: dict[str, Any], rights: str, configure: Any) -> Iterator[DatabaseServer]:
    configure(DATABASE_PREFIX=f"{PREFIX}plain_")
    role = f"{PREFIX}maker"
    run(superuser, f"CREATE ROLE {role} LOGIN {rights} PASSWORD 'maker'")
    rows: Any = DatabaseServer.objects
    server: DatabaseServer = rows.create(name="plain", credentials={**superuser, "USER": role, "PASSWORD": "maker"})
    yield server
    drop_all(server_engine(server, alias="cleaner"), f"{PREFIX}plain_")
    run(superuser, f"DROP ROLE {role}")


@pytest.fixture
def mariadb(registry: None, mariadb_url: str) -> DatabaseServer:
    """A MariaDB server in the registry."""
    return add_server("mariadb", servers.database_entry(mariadb_url))


@pytest.fixture(params=["public", "postgres", "mariadb"])
def server(request: pytest.FixtureRequest, registry: None) -> DatabaseServer | None:
    """Each place that needs no entry: None for the public server."""
    return place_of(request)


@pytest.fixture
def own_postgres(postgres: DatabaseServer) -> dict[str, Any]:
    """An entry on a PostgreSQL server of the tenant's own."""
    return {**postgres.credentials, "NAME": f"{PREFIX}own"}


@pytest.fixture
def own_mariadb(mariadb: DatabaseServer) -> dict[str, Any]:
    """An entry on a MariaDB server of the tenant's own."""
    return {**mariadb.credentials, "NAME": f"{PREFIX}own"}


@pytest.fixture
def own_sqlite(registry: None) -> dict[str, Any]:
    """An entry for a file of the tenant's own."""
    return {"ENGINE": SQLITE, "NAME": f"{PREFIX}own.sqlite3"}


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def own(request: pytest.FixtureRequest, registry: None) -> dict[str, Any]:
    """An entry of a tenant's own, on each engine."""
    entry: dict[str, Any] = request.getfixturevalue(f"own_{request.param}")
    return entry


@pytest.fixture
def world(registry: None) -> World:
    """Answers all that a lifecycle may change, to be compared: rows, databases, logins, files."""

    def look() -> Any:
        rows = sorted(tenant_model().objects.values_list("alias", "state", "step", "location", "error"))
        domains = sorted(Domain.objects.values_list("host", flat=True))
        databases = [[name for name in engine.names(PREFIX) if "template_" not in name] for engine in known_engines]
        logins = [[name for name in engine.logins(PREFIX) if "rows_" not in name] for engine in known_engines]
        archives = sorted(path.name for path in conf.ARCHIVE_DIR.glob("*"))
        return rows, domains, databases, logins, archives

    return look


def place_of(request: pytest.FixtureRequest) -> DatabaseServer | None:
    """The server that a fixture's parameter names."""
    return None if request.param == "public" else request.getfixturevalue(request.param)


#: The servers on which the running test makes databases.
known_engines: list[Engine] = []


def add_server(name: str, credentials: dict[str, Any]) -> DatabaseServer:
    rows: Any = DatabaseServer.objects
    server: DatabaseServer = rows.create(name=name, credentials=credentials)
    known_engines.append(server_engine(server, alias="cleaner"))
    return server


def drop_all(engine: Engine, start: str, *, keep: str | None = None) -> None:
    for name in engine.names(start):
        if keep is None or not name.startswith(keep):
            engine.drop(name)
    for login in engine.logins(start):
        if keep is None or "rows_" not in login:  # the group's, which templates are open to
            engine.drop_login(login)
