"""A process that uses tenants, then gives jobs to a pool of processes, and prints as JSON what the jobs saw.

Started by tests. Its arguments are the start method, and a fault: a guard that the processes are without.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import django
from django.apps import apps
from django.conf import settings

#: The guards of the process that makes the others: what is kept is kept while they are forked, and it sends the jobs.
OF_PARENTS = ("keep_place", "keep_connections", "send_bare")


def begin(fault: str = "", alias: str = "") -> None:
    """What each process does first; with an alias it is that tenant's for as long as it runs."""
    settings.MULTI_TENANT = {**settings.MULTI_TENANT, **json.loads(os.environ["JOBS_SETTINGS"])}
    if not apps.ready:
        django.setup()
    if fault:
        faults()[fault]()
    if alias:
        from multi_tenant.context import tenant_context

        tenant_context(alias, switch=True).__enter__()


def faults() -> dict[str, Any]:
    """Guards that are left out."""
    from multi_tenant import calls, context
    from multi_tenant.routing import forks

    hooks: Any = forks

    def keep_place() -> None:
        context.UNDECIDED_PLACE = context.Place("acme")

    def keep_connections() -> None:
        hooks.connections = None

    def never_left() -> None:
        manager: Any = context.place_context
        manager.__exit__ = lambda *args: None

    def send_bare() -> None:
        job: Any = calls.SentCall
        job.__reduce__ = lambda self: (partial, (self._parts[0],))

    return {made.__name__: made for made in (keep_place, keep_connections, never_left, send_bare)}


def where(number: int) -> str | None:
    """A job that looks where it is."""
    from multi_tenant.context import current_alias

    return current_alias()


def names(number: int) -> tuple[int, str, str]:
    """A job that reads in its tenant; which process did so, on which session, and what."""
    from django.db import connection

    from multi_tenant.exceptions import NoTenantError
    from tests.testapp.library.models import Author

    try:
        name = Author.objects.get().name
    except NoTenantError:
        return os.getpid(), "none", "refused"
    session = "none"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            session = str(cursor.fetchone()[0])
    return os.getpid(), session, name


def main(method: str, fault: str) -> dict[str, Any]:
    """Start one pool after the other: what is forked is forked inside a tenant, with connections and no threads."""
    from multi_tenant.context import tenant_bound, tenant_context

    processes = multiprocessing.get_context(method)
    with tenant_context("bolt"):
        in_bolt = tenant_bound(names)
    with tenant_context("acme"):
        in_acme = tenant_bound(names)
        before = names(0)
        with processes.Pool(1, begin, (fault,)) as pool:
            first = pool.map(where, [0])
            bound = [pool.apply(in_acme, [0]), pool.apply(in_bolt, [0]), pool.apply(in_acme, [0])]
            following = pool.map(where, [0])
        with processes.Pool(1, begin, (fault, "bolt")) as pool:
            of_bolt = [pool.apply(names, [0])]
        with ProcessPoolExecutor(1, mp_context=processes, initializer=begin, initargs=(fault,)) as executor:
            executed = [executor.submit(in_bolt, 0).result(), executor.submit(in_acme, 0).result()]
        after = names(0)
    places = [*first, *following]
    return {"places": places, "jobs": [*bound, *of_bolt, *executed], "before": before, "after": after}


if __name__ == "__main__":
    method, fault = sys.argv[1:]
    begin(fault if fault in OF_PARENTS else "")
    print(json.dumps(main(method, fault)))
