"""A deployment of the sample site on the public database's engine of this run, and a server that serves it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.journeys.server import Server, gunicorn
from tests.journeys.site import Site, deployment
from tests.settings import PUBLIC


@pytest.fixture(scope="session", autouse=True)
def requirements() -> None:
    """The sample site has an API; where no extra is installed it cannot run."""
    pytest.importorskip("rest_framework_simplejwt", reason="the sample site needs the dependency group `rest`")


@pytest.fixture(scope="session")
def prefix() -> str:
    """What everything that a journey makes on a server of the user's own begins with."""
    return f"journey_{secrets.token_hex(4)}_"


@pytest.fixture(scope="session")
def site(prefix: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    site = deployment(tmp_path_factory.mktemp("site"), prefix)
    with ExitStack() as stack:
        if PUBLIC == "postgres":
            postgres = import_module("tests.journeys.postgres")  # whose driver the run without extras has not
            url = request.getfixturevalue("postgres_url")
            site = site.with_environment(DEMO_POSTGRES=stack.enter_context(postgres.database(url, prefix)))
        site.manage("migrate", "--verbosity=0")
        yield site


@pytest.fixture(scope="session")
def server(site: Site) -> Iterator[Server]:
    """Two workers that were up before any of the tenants was made."""
    with gunicorn(site) as server:
        yield server


@pytest.fixture
def own_entry(prefix: str, postgres_url: str) -> Iterator[Mapping[str, Any]]:
    """The entry of a tenant that has a PostgreSQL login of its own, and no database yet."""
    postgres = import_module("tests.journeys.postgres")
    name, password = f"{prefix}own", secrets.token_urlsafe()
    server = urlsplit(postgres_url)
    with postgres.login(postgres_url, name, password):
        yield {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": server.hostname,
            "PORT": server.port,
            "NAME": f"{name}_database",
            "USER": name,
            "PASSWORD": password,
        }
