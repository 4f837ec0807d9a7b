"""The runners of the scenarios: with the test kit, and, as the control, without it."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.db import connections
from django.test.runner import DiscoverRunner

from multi_tenant.conf import conf
from multi_tenant.context import record_context, tenant_context
from multi_tenant.models import Tenant
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import TenantState
from multi_tenant.routing.marker import write_marker
from multi_tenant.testing.runner import TenantTestRunner
from multi_tenant.testing.testcases import keep_contents
from tests.compat.runner import RecordingRunner
from tests.testapp.common.models import City, Country

ALIASES = ("a", "b")


class PlainScenarios(RecordingRunner):
    """Two tenants, and Django's test classes as they are."""

    def setup_databases(self, **kwargs: Any) -> Any:
        old = super().setup_databases(**{**kwargs, "aliases": {"default": True}})
        conf.SQLITE_DIR.mkdir(exist_ok=True)
        for alias in ALIASES:
            make_tenant(alias)
        return old

    def build_suite(self, *args: Any, **kwargs: Any) -> Any:
        # Databases are made for whatever the scenarios ask, so the order of classes is the only thing left to Django.
        return DiscoverRunner.build_suite(self, *args, **kwargs)


class KitScenarios(TenantTestRunner, PlainScenarios):
    """Two tenants, and test classes that know them."""

    def setup_databases(self, **kwargs: Any) -> Any:
        old = super().setup_databases(**kwargs)
        with tenant_context("a"):
            City.objects.create(name="there from the beginning", country=Country.objects.create(code="IS"))
            keep_contents()
            City.objects.all().delete()
            Country.objects.all().delete()
        return old


def make_tenant(alias: str) -> None:
    """A tenant with a migrated, marked database."""
    entry: Any = {"NAME": f"{alias}.sqlite3"}
    row = Tenant.objects.create(alias=alias, state=TenantState.ACTIVE, database=entry)
    record = TenantRecord(alias, row.uuid, "", row.state, row.entry(), marked=False)
    with record_context(record):
        call_command("migrate", interactive=False, verbosity=0)
        write_marker(connections["default"], row.uuid)
