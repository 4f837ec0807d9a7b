"""The test runner for projects whose tests are unittest's: set it as TEST_RUNNER."""

from __future__ import annotations

from typing import Any

from django.test.runner import DiscoverRunner

from multi_tenant.testing import patches


class TenantTestRunner(DiscoverRunner):
    """Django's runner, with test classes that know tenants while it runs."""

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        patches.install()

    def teardown_test_environment(self, **kwargs: Any) -> None:
        patches.uninstall()
        super().teardown_test_environment(**kwargs)
