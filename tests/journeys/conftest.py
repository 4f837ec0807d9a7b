"""A deployment of the sample site on the public database's engine of this run, and a server that serves it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet

from tests.journeys.server import Server, gunicorn
from tests.journeys.site import REGISTRY_TTL, ROOT, Site
from tests.settings import PUBLIC


@pytest.fixture(scope="session")
def prefix() -> str:
    """What everything that a journey makes on a server of the user's own begins with."""
    return f"journey_{secrets.token_hex(4)}_"


@pytest.fixture(scope="session")
def site(prefix: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}
    environment = {
        **inherited,
        "DEMO_DIR": str(directory),
        "DEMO_SECRET_KEY": secrets.token_urlsafe(),
        "DEMO_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "DEMO_ENTRY_HOSTS": urlsplit(os.environ.get("MULTI_TENANT_TEST_POSTGRES", "")).hostname or "127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "tests.journeys.settings",
        "JOURNEY_PREFIX": prefix,
        "JOURNEY_TTL": str(REGISTRY_TTL),
        "PYTHONPATH": str(ROOT),
    }
    with ExitStack() as stack:
        if PUBLIC == "postgres":
            postgres = import_module("tests.journeys.postgres")  # whose driver the run without extras has not
            url = request.getfixturevalue("postgres_url")
            environment["DEMO_POSTGRES"] = stack.enter_context(postgres.database(url, prefix))
        site = Site(directory, environment)
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
