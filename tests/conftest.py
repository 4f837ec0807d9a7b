"""What every test can ask for: the session's servers. pytest reads this file first."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests import servers
from tests.server_processes import ServerUnavailableError, postgres_programs


def pytest_configure() -> None:
    servers.required_servers()
    # Opened here, in xdist's controller, so that the workers inherit it and the controller outlives them.
    servers.open_session()
    with suppress(ServerUnavailableError):
        os.environ["PATH"] = f"{postgres_programs()}{os.pathsep}{os.environ['PATH']}"


def pytest_unconfigure() -> None:
    servers.close_session()


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The URL of a real PostgreSQL, as its superuser."""
    return servers.require_server("postgres")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a real Redis."""
    return servers.require_server("redis")


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Changes keys of the setting MULTI_TENANT until the test ends."""

    def change(**changes: Any) -> None:
        settings.MULTI_TENANT = {**settings.MULTI_TENANT, **changes}

    return change


@pytest.fixture
def acme(tenant_factory: Callable[..., Any]) -> Any:
    """A tenant, rolled back after the test."""
    return tenant_factory("acme")


@pytest.fixture
def bolt(tenant_factory: Callable[..., Any]) -> Any:
    """Another one."""
    return tenant_factory("bolt")
