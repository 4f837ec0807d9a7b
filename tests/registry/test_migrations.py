"""The migrations of the registry make the tables that its models describe."""

from __future__ import annotations

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def test_no_migration_is_missing() -> None:
    """Raises SystemExit where a model says what no migration does."""
    call_command("makemigrations", "multi_tenant", check=True, dry_run=True, verbosity=0)
