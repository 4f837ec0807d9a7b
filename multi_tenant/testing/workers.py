"""The processes of ``manage.py test --parallel``; started by the test runner.

One that is spawned imports this before Django is set up, so nothing here may import a model.
"""

from __future__ import annotations

from typing import Any

from django.test.runner import ParallelTestSuite
from django.utils.module_loading import import_string

from multi_tenant.context import PUBLIC_PLACE, active_place


def init_worker(*args: Any) -> None:
    """Begin on the public site, as the runner does, where a forked child is undecided; and with the test kit."""
    active_place.set(PUBLIC_PLACE)
    ParallelTestSuite.init_worker(*args)
    import_string("multi_tenant.testing.patches.install")()


class TenantTestSuite(ParallelTestSuite):
    """Django's suite for several processes, each of which begins on the public site."""

    init_worker = init_worker
