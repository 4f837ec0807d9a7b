"""Views that no transaction may be open around; worn by those of the registry's admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.transaction import non_atomic_requests

from multi_tenant.conf import conf

V = TypeVar("V", bound=Callable[..., Any])


def outside_transactions(view: V) -> V:
    """Keep ATOMIC_REQUESTS of every static database away from a view: the life of a tenant changes in steps."""
    for alias in conf.static_databases:
        view = non_atomic_requests(using=alias)(view)
    return view
