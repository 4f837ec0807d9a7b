"""What `manage.py check` finds wrong with a project's settings; a database is asked by those for databases alone."""

from __future__ import annotations

from django.core.checks import Tags, register

from multi_tenant.checks.admin import check_admin
from multi_tenant.checks.credentials import check_credentials
from multi_tenant.checks.homes import check_homes
from multi_tenant.checks.people import check_people
from multi_tenant.checks.resolvers import check_resolvers
from multi_tenant.checks.settings import check_settings
from multi_tenant.checks.wiring import check_wiring

TAG = "multi_tenant"
CHECKS = (check_settings, check_wiring, check_resolvers, check_homes, check_people, check_admin)


def register_checks() -> None:
    """Make Django run the checks; called once, by the app's configuration."""
    for check in CHECKS:
        register(check, TAG)
    # Django runs these with `--database` alone, and in `migrate`.
    # Not with our tag: Django 6.1 takes a tag that is asked for by name as leave to query every database.
    register(check_credentials, Tags.database)
