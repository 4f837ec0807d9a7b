"""The runners of the scenarios: with the test kit, and, as the control, without it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from multi_tenant.context import tenant_context
from multi_tenant.lifecycle import create_tenant
from multi_tenant.testing.databases import SessionTenants
from multi_tenant.testing.runner import TenantTestRunner
from multi_tenant.testing.testcases import keep_contents
from tests.compat.runner import RecordingRunner
from tests.testapp.common.models import City, Country

ALIASES = ("a", "b")


class PlainScenarios(RecordingRunner):
    """Two tenants, and Django's test classes as they are."""

    def setup_databases(self, **kwargs: Any) -> Any:
        old = super().setup_databases(**{**kwargs, "aliases": {"default": True}})
        directory = Path(os.environ["COMPAT_RECORD"]).parent
        self.tenants = SessionTenants(directory=directory, worker=str(os.getpid()))
        self.tenants.open()
        for alias in ALIASES:
            create_tenant(alias)
        return old

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        self.tenants.close()
        super().teardown_databases(old_config, **kwargs)


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
