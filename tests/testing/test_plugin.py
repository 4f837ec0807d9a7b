"""The pytest plugin: tenants that are rolled back, and tests that leave one entered."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from multi_tenant.context import active_place, current_alias, tenant_context
from multi_tenant.models import Tenant
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.store import store
from multi_tenant.testing.databases import SessionTenants
from tests import servers
from tests.settings import PUBLIC as PUBLIC_ENGINE
from tests.testapp.library.models import Author

TWICE = pytest.mark.parametrize("time", ["first", "second"])
#: A project of its own, tested by a pytest of its own.
PROJECT = """
    import pytest
    from multi_tenant import *
    from multi_tenant.context import active_place, Place
    from multi_tenant.models import Tenant
"""


@TWICE
def test_what_a_test_writes_into_a_tenant_is_rolled_back(time: str, tenant: Tenant, other_tenant: Tenant) -> None:
    for row in (tenant, other_tenant):
        with tenant_context(row):
            assert not Author.objects.exists()
            Author.objects.create(name=time)


@TWICE
@pytest.mark.django_db(transaction=True)
def test_what_a_test_commits_in_a_tenant_is_flushed(
    time: str, in_tenant: Tenant, tenant_factory: Callable[..., Tenant]
) -> None:
    more = tenant_factory("acme")
    assert not connection.in_atomic_block
    assert not Author.objects.exists()
    Author.objects.create(name=time)
    with tenant_context(more, switch=True):
        assert not Author.objects.exists()
        Author.objects.create(name=time)


@TWICE
def test_tenants_of_the_factory_are_gone_with_the_test(time: str, tenant_factory: Callable[..., Tenant]) -> None:
    assert not Tenant.objects.exists()
    acme, bolt = tenant_factory("acme", name="Acme"), tenant_factory()
    assert (acme.alias, acme.name) == ("acme", "Acme")
    for row in (acme, bolt):
        with tenant_context(row):
            assert not Author.objects.exists()
            Author.objects.create(name=time)


@pytest.mark.django_db
def test_a_test_that_asks_for_no_tenant_has_none() -> None:
    assert not Tenant.objects.exists()


def test_tenant_is_not_entered(tenant: Tenant) -> None:
    assert current_alias() == PUBLIC


def test_in_tenant_is_entered(in_tenant: Tenant) -> None:
    assert current_alias() == in_tenant.alias
    assert not Author.objects.exists()


def test_the_first_half_of_a_pair_caches_a_tenant(tenant: Tenant) -> None:
    assert store.get(tenant.alias).state == "active"


def test_nothing_is_cached_when_a_test_begins() -> None:
    assert store._version is None
    assert not store._tenants


left_open: list[Any] = []


@TWICE
@pytest.mark.django_db(transaction=True)
def test_a_cursor_that_a_test_leaves_open_is_not_the_next_ones(time: str, in_tenant: Tenant) -> None:
    left_open.append(connection.cursor())
    assert left_open[-1].db.in_use
    assert all(cursor.db.connection is None for cursor in left_open[:-1])


def test_names_of_databases_tell_the_worker(tenant: Tenant, tenant_factory: Callable[..., Tenant]) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    for row in (tenant, tenant_factory()):
        assert row.database["NAME"].startswith(f"test_{worker}_")


def test_databases_of_the_session_stay_in_its_directory(session_tenants: SessionTenants, tenant: Tenant) -> None:
    if tenant.entry().vendor == "sqlite":
        assert str(session_tenants.directory) in tenant.entry()["NAME"]


def test_the_place_is_given_back_to_the_tests_to_come() -> None:
    assert active_place.get().alias == PUBLIC


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs pytest, in a process of its own, on a text of tests that has the settings of these tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    if PUBLIC_ENGINE == "postgres":
        monkeypatch.setenv("MULTI_TENANT_TEST_POSTGRES", servers.provide("postgres"))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("MULTI_TENANT_TEST_SESSION", raising=False)

    def run(tests: str, *options: str, settings: str = "tests.settings") -> Any:
        pytester.makepyfile(PROJECT + tests)
        return pytester.runpytest_subprocess("-p", "no:randomly", f"--ds={settings}", *options)

    return run


def test_a_test_that_leaves_a_tenant_entered_fails_alone(project: Callable[..., Any]) -> None:
    result = project("""
    def test_leaks(tenant):
        active_place.set(Place("acme"))
    def test_leaks_and_fails(tenant):
        active_place.set(Place("acme"))
        assert 1 == 2
    def test_after():
        assert current_alias() == "public"
    """)
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*began in public and ended in acme*", "*assert 1 == 2*"])


def test_workers_of_xdist_have_tenants_of_their_own(project: Callable[..., Any]) -> None:
    result = project(
        """
    from tests.testapp.library.models import Author
    @pytest.mark.parametrize("time", range(4))
    @pytest.mark.django_db(transaction=True)
    def test_writes(in_tenant, time):
        assert not Author.objects.exists()
        Author.objects.create(name="x")
    """,
        "-n2",
    )
    result.assert_outcomes(passed=4)


def test_a_project_without_multi_tenant_is_left_alone(project: Callable[..., Any], pytester: Any) -> None:
    pytester.makepyfile(
        other_settings="""
        SECRET_KEY = "x"
        INSTALLED_APPS = ["django.contrib.contenttypes"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        """
    )
    pytester.makepyfile("""
    import pytest
    from django.db import connections
    from django.db.utils import ConnectionHandler
    from django.test import TestCase
    @pytest.mark.django_db
    def test_stock():
        assert type(connections) is ConnectionHandler
        assert connections["default"].alias == "default"
        assert TestCase._enter_atomics.__func__.__module__ == "django.test.testcases"
    """)
    pytester.runpytest_subprocess("--ds=other_settings", "-p", "no:randomly").assert_outcomes(passed=1)


def test_a_project_without_django_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_subprocess("-p", "no:django").assert_outcomes(passed=1)
