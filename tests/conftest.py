"""What every test can ask for: the session's servers. pytest reads this file first."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests import servers
from tests.server_processes import ServerUnavailableError, postgres_programs

HERE = Path(__file__).parent


def pytest_configure() -> None:
    # A shell's background job ignores Ctrl-C, and so would each program that a test starts and interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    servers.required_servers()
    # Opened here, in xdist's controller, so that the workers inherit it and the controller outlives them.
    servers.open_session()
    with suppress(ServerUnavailableError):
        os.environ["PATH"] = f"{postgres_programs()}{os.pathsep}{os.environ['PATH']}"


#: What is about people has settings, and so a session, of its own: the user model cannot be changed later.
PEOPLE = ("users", "contrib")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is for the other settings."""
    parts = collection_path.relative_to(HERE).parts if collection_path.is_relative_to(HERE) else ()
    if not parts or (len(parts) == 1 and collection_path.suffix):
        return with_people() if parts else None
    return (parts[0] in PEOPLE) is not with_people() or None


def with_people() -> bool:
    """Whether the settings are those with people."""
    return settings.SETTINGS_MODULE == "tests.users.settings"


#: What has nothing to do with the public database is run once, with SQLite there.
ONCE = (
    "tests/benchmarks/",
    "tests/compat/",
    "tests/contrib/admin/test_checks.py",
    "tests/contrib/admin/test_entries.py",
    "tests/contrib/admin/test_registry",
    "tests/databases/",
    "tests/stress/",
    "tests/journeys/test_outages.py",
    "tests/journeys/test_process_models.py::test_a_server_without_a_guard_is_found_out",
    "tests/promises/test_p6_flood.py",
    "tests/lifecycle/test_disk.py",
    "tests/lifecycle/test_logins.py",
    "tests/promises/test_p8_logins.py",
    "tests/test_docs.py",
    "tests/test_packaging.py",
    "tests/test_servers.py",
    "tests/test_tutorial.py",
    "tests/testing/test_testcases.py",
)
#: So are tenants on SQLite and MariaDB, in the tests that make tenants on each engine.
ENGINES = ("tests/fleet/", "tests/lifecycle/", "tests/management/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(0))
    if os.environ.get("MULTI_TENANT_TEST_PUBLIC") != "postgres":
        return
    again = [item for item in items if is_run_once(item.nodeid)]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in set(again)]


def is_run_once(test: str) -> bool:
    """Whether a test says the same whatever the public database is on."""
    return test.startswith(ONCE) or (test.startswith(ENGINES) and ("[sqlite" in test or "mariadb" in test))


def pytest_unconfigure() -> None:
    servers.close_session()


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The URL of a real PostgreSQL, as its superuser."""
    return servers.require_server("postgres")


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """The URL of a real MariaDB, as its root."""
    return servers.require_server("mariadb")


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
