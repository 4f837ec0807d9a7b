"""What `manage.py check` finds wrong with a project's settings; no check asks a database."""

from __future__ import annotations

from django.core.checks import register

from multi_tenant.checks.homes import check_homes
from multi_tenant.checks.resolvers import check_resolvers
from multi_tenant.checks.settings import check_settings
from multi_tenant.checks.wiring import check_wiring

TAG = "multi_tenant"
CHECKS = (check_settings, check_wiring, check_resolvers, check_homes)


def register_checks() -> None:
    """Make Django run the checks; called once, by the app's configuration."""
    for check in CHECKS:
        register(check, TAG)
