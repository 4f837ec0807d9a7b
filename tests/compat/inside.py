"""The runners of the tenant and the control run: one tenant with all tables, active while the tests run."""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.signals import setting_changed
from django.db import connections, router

from multi_tenant.conf import Conf
from multi_tenant.context import active_place, fixed_context, record_context, tenant_context
from multi_tenant.databases.base import engine_of
from multi_tenant.models import Tenant
from multi_tenant.registry.aliases import DEFAULT
from multi_tenant.registry.entry import complete_on_public_server
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import TenantState
from multi_tenant.routing import TenantRouter, homes
from multi_tenant.routing.marker import write_marker
from multi_tenant.testing.runner import TenantTestRunner
from multi_tenant.testing.testcases import ObservedConnectionHandler, keep_contents
from tests.compat.runner import RecordingRunner


class TenantRunner(RecordingRunner, TenantTestRunner):
    """Runs the tests in a tenant that the registry knows."""

    alias = "acme"

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        every_app_is_a_tenants()
        threads_inherit_the_tenant()
        # Django's own receiver, connected before this one, has put the setting's routers in place by then.
        setting_changed.connect(route_without_settings)
        route_without_settings()
        leave_checks_to_django()

    def setup_databases(self, **kwargs: Any) -> Any:
        # The registry is needed also by suites that ask for no database.
        serialized = kwargs.get("serialized_aliases")
        old = super().setup_databases(**{**kwargs, "aliases": {DEFAULT: True, **dict(kwargs["aliases"])}})
        self.record = record = self.tenant()
        assert record.entry is not None
        assert record.uuid is not None
        # From the public database, as a server is asked through a database that it has.
        engine_of(complete_on_public_server({}), alias=record.alias).create(record.entry["NAME"])
        with record_context(unmarked(record)):
            call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
            call_command("createcachetable", verbosity=0)
            write_marker(connections[DEFAULT], record.uuid)
        with self.place():
            if serialized is None or DEFAULT in serialized:
                keep_contents()
        return old

    def run_suite(self, suite: Any, **kwargs: Any) -> Any:
        with self.place():
            return super().run_suite(suite, **kwargs)

    def tenant(self) -> TenantRecord:
        """The tenant that the tests run in, put into the registry."""
        entry: Any = {"NAME": name_of(self.alias)}
        row = Tenant.objects.create(alias=self.alias, state=TenantState.ACTIVE, database=entry)
        return TenantRecord(row.alias, row.uuid, row.name, row.state, row.entry())

    def place(self) -> AbstractContextManager[None]:
        """The context in which the tests run."""
        return tenant_context(self.alias)


class ControlRunner(TenantRunner):
    """Runs the tests in a tenant called `default`, which no registry would take."""

    alias = DEFAULT

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        connections.__class__ = ControlConnectionHandler

    def tenant(self) -> TenantRecord:
        entry = complete_on_public_server({"NAME": name_of("control")})
        return TenantRecord(self.alias, uuid.uuid4(), "", TenantState.ACTIVE, entry)

    def place(self) -> AbstractContextManager[None]:
        return record_context(self.record)


class ControlConnectionHandler(ObservedConnectionHandler):
    """The handler, for a tenant whose alias is `default`: the word is its name, and does not mean "the active one"."""

    def __getitem__(self, alias: str) -> Any:
        place = active_place.get()
        if alias == DEFAULT == place.alias:
            return self._of_tenant(alias, place)
        return super().__getitem__(alias)

    def __setitem__(self, alias: str, connection: Any) -> None:
        if alias == DEFAULT == active_place.get().alias:
            self._keep({**self._live, alias: connection})
        else:
            super().__setitem__(alias, connection)


def name_of(alias: str) -> str:
    """The name of a tenant's database on the engine of this run."""
    return os.environ["COMPAT_TENANT"].replace("{alias}", alias)


def unmarked(record: TenantRecord) -> TenantRecord:
    """The tenant before its database bears its marker."""
    return TenantRecord(record.alias, record.uuid, record.name, record.state, record.entry, marked=False)


class EveryLabel(frozenset[str]):
    """All labels but the registry's own: tests make up apps as they go."""

    def __contains__(self, label: object) -> bool:
        return label != "multi_tenant"


def every_app_is_a_tenants() -> None:
    """Put each app that a test installs, or makes up, into TENANT_APPS, and the table of the database cache too.

    That table is public otherwise, but Django's tests make and drop it through `connection`.
    """
    homes.BUILT_IN["django_cache"] = homes.Home.TENANT.value
    Conf.tenant_labels = EveryLabel()  # type: ignore[assignment,method-assign]  # in place of the property


def route_without_settings(**kwargs: Any) -> None:
    """Put the router in place wherever a test has not chosen routers of its own.

    It is not in DATABASE_ROUTERS, as Django's tests assume a project without routers: `makemigrations` and some checks
    ask no more than whether that setting is empty, and do otherwise if it is not.
    """
    if not settings.DATABASE_ROUTERS:
        router.routers = [TenantRouter()]


def leave_checks_to_django() -> None:
    """Take our system checks away: they judge the settings of a site, and Django's tests count what checks find."""
    stock = registry.get_checks

    def get_checks(include_deployment_checks: bool = False) -> list[Any]:
        found = stock(include_deployment_checks)
        return [check for check in found if not check.__module__.startswith("multi_tenant.")]

    registry.get_checks = get_checks  # type: ignore[method-assign]  # tests that change INSTALLED_APPS register anew


def threads_inherit_the_tenant() -> None:
    """Let threads begin in the tenant of the code that starts them: Django's tests know of no `tenant_bound`."""
    stock = threading.Thread.start

    def start(self: threading.Thread) -> None:
        # By value: a look-up that a SimpleTestCase forbids would end the thread before it began.
        self.run = fixed_context(active_place.get())(self.run)  # type: ignore[method-assign]  # as a subclass would
        stock(self)

    threading.Thread.start = start  # type: ignore[method-assign]  # put back by the end of the process
