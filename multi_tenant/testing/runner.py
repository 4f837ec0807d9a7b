"""The test runner for projects whose tests are unittest's: set it as TEST_RUNNER."""

from __future__ import annotations

from typing import Any

from django.test.runner import DiscoverRunner

from multi_tenant.testing import patches
from multi_tenant.testing.workers import TenantTestSuite


class TenantTestRunner(DiscoverRunner):
    """Django's runner, with test classes that know tenants while it runs."""

    parallel_test_suite = TenantTestSuite

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        patches.install()

    def teardown_test_environment(self, **kwargs: Any) -> None:
        patches.uninstall()
        super().teardown_test_environment(**kwargs)
