"""The rotation of tenants' logins: all get new ones, then the former ones go; called by `rotate_tenant_logins`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic, sleep

from multi_tenant.conf import conf
from multi_tenant.fleet.run import Outcome, attempt
from multi_tenant.fleet.selection import FleetTenant
from multi_tenant.lifecycle.rotation import drop_former_logins, rotate_login

#: Seconds between two looks at logins that are in use.
PAUSE = 0.5


def rotate_each(tenants: Iterable[FleetTenant]) -> Iterator[Outcome[object]]:
    """Give the tenants new logins, one by one, and answer how each went before the next begins."""
    for tenant in tenants:
        yield attempt(tenant.alias, partial(rotate_login, tenant.alias))


def drop_each(tenants: Iterable[FleetTenant], *, silent_for: float, wait: float) -> Iterator[Outcome[list[str]]]:
    """Drop the former logins of the tenants, once every process has the new ones; answer how each went.

    The value is a list of those that are left, as they were in use for ``wait`` seconds. Begins by waiting for
    REGISTRY_TTL, in which a process that read the registry just before looks again.
    """
    sleep(conf.REGISTRY_TTL)
    deadline = monotonic() + wait
    for tenant in tenants:
        drop = partial(drop_former_logins, tenant.alias, silent_for=silent_for)
        yield attempt(tenant.alias, partial(until_done, drop, deadline))


def until_done(drop: Callable[[], list[str]], deadline: float) -> list[str]:
    """Try until nothing is left or the time is up; answers what is left."""
    while (left := drop()) and monotonic() < deadline:
        sleep(PAUSE)
    return left
