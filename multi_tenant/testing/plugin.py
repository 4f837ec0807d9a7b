"""The plugin for pytest-django: fixtures that give tenants, and an eye on tests that leave one entered.

pytest loads it before Django is set up, so it reaches the rest of the kit by dotted paths. In a project that does not
install multi_tenant it does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.db import connections
from django.utils.module_loading import import_string

from multi_tenant.context import active_place, tenant_context
from multi_tenant.registry.store import store
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.wrapper import TenantConnection

if TYPE_CHECKING:
    from multi_tenant.registry.models import AbstractTenant
    from multi_tenant.testing.databases import SessionTenants

INSTALLED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def session_tenants(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SessionTenants]:
    """The tenants that this process's tests share; the other fixtures ask for it."""
    tenants: SessionTenants = import_string("multi_tenant.testing.databases.SessionTenants")(
        directory=tmp_path_factory.mktemp("tenants"), worker=os.environ.get("PYTEST_XDIST_WORKER", "main")
    )
    with django_db_blocker.unblock():
        tenants.open()
    yield tenants
    with django_db_blocker.unblock():
        tenants.close()


@pytest.fixture(scope="session")
def session_tenant(session_tenants: SessionTenants, django_db_blocker: Any) -> AbstractTenant:
    """The tenant that ``tenant`` gives, without a row; made before any test's transaction begins."""
    with django_db_blocker.unblock():
        return session_tenants.make("tenant")


@pytest.fixture(scope="session")
def other_session_tenant(session_tenants: SessionTenants, django_db_blocker: Any) -> AbstractTenant:
    """The tenant that ``other_tenant`` gives, without a row."""
    with django_db_blocker.unblock():
        return session_tenants.make("other")


@pytest.fixture
def tenant(session_tenants: SessionTenants, session_tenant: AbstractTenant, db: None) -> AbstractTenant:
    """A tenant with a migrated database; what the test changes is undone. It is not entered.

    Its row is in the test's transaction, so that other threads see it only in tests with ``transactional_db``.
    """
    return session_tenants.give(session_tenant)


@pytest.fixture
def other_tenant(session_tenants: SessionTenants, other_session_tenant: AbstractTenant, db: None) -> AbstractTenant:
    """Another tenant like ``tenant``."""
    return session_tenants.give(other_session_tenant)


@pytest.fixture
def in_tenant(tenant: AbstractTenant) -> Iterator[AbstractTenant]:
    """``tenant``, entered for as long as the test runs."""
    with tenant_context(tenant):
        yield tenant


@pytest.fixture
def tenant_factory(
    session_tenants: SessionTenants, session_tenant: AbstractTenant, db: None
) -> Iterator[Callable[..., AbstractTenant]]:
    """Makes as many more tenants as a test wants: ``tenant_factory("acme", name="Acme")``; each is gone with the test.

    They are clones of the template alone: no receiver of ``tenant_provisioned`` has run for them.
    """
    yield session_tenants.lend
    session_tenants.take_back()


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Teach Django's test classes, pytest-django's too, to roll tenants back."""
    if is_used() and not import_string("multi_tenant.testing.patches.originals"):
        import_string("multi_tenant.testing.patches.install")()
        session.config.stash[INSTALLED] = True


@pytest.hookimpl
def pytest_unconfigure(config: pytest.Config) -> None:
    """Undo what ``pytest_sessionstart`` did."""
    if config.stash.get(INSTALLED, False):
        import_string("multi_tenant.testing.patches.uninstall")()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that ends elsewhere than it began, and go back there for the tests to come."""
    before = active_place.get()
    try:
        result = yield
    finally:
        left = active_place.get()
        active_place.set(before)
    if left != before:
        pytest.fail(
            f"The test began in {before.alias or 'no tenant'} and ended in {left.alias or 'no tenant'}. Enter tenants "
            "with `with`, or ask for the fixture in_tenant.",
            pytrace=False,
        )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    """Forget the tenants that the test met, and their connections: their rows are rolled back."""
    try:
        return (yield)
    finally:
        store.clear()
        if isinstance(connections, TenantConnectionHandler):
            for connection in connections.all(initialized_only=True):
                if isinstance(connection, TenantConnection) and not connection.in_atomic_block:
                    connection.close()  # with the cursors that the test has left open
                connections.retire(connection.alias)


def is_used() -> bool:
    """Whether the project that is tested installs multi_tenant."""
    return apps.ready and apps.is_installed("multi_tenant")
