"""A process of greenlets that take turns in tenants, and prints as JSON what they saw; started by tests.

With an argument, all greenlets have one place.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402  # Python's own modules are patched first
import os  # noqa: E402
import sys  # noqa: E402
from contextlib import nullcontext  # noqa: E402
from typing import Any  # noqa: E402

import django  # noqa: E402
import gevent  # noqa: E402
from django.conf import settings  # noqa: E402
from gevent.pool import Pool  # noqa: E402

ALIASES = ("acme", "bolt")


def main() -> dict[str, Any]:
    from django.db import connections

    from multi_tenant.context import current_alias, tenant_bound, tenant_context
    from tests.testapp.library.models import Author

    def turns(alias: str) -> list[str | None]:
        """Read in a tenant while others do so in theirs."""
        seen: list[str | None] = []
        for _ in range(5):
            with tenant_context(alias):
                gevent.sleep(0)
                seen.append(Author.objects.get().name)
                gevent.sleep(0)
                seen.append(current_alias())
        connections.close_all()
        return [alias, str(current_alias()), *sorted(set(map(str, seen)))]

    with tenant_context("acme"):
        bound = tenant_bound(current_alias)
        begins = {
            "spawn": gevent.spawn(current_alias).get(),
            "pool": Pool(2).spawn(current_alias).get(),
            "map": Pool(2).map(lambda _: current_alias(), [0])[0],
            "threadpool": gevent.get_hub().threadpool.spawn(current_alias).get(),
        }
    binds = {
        "spawn": gevent.spawn(bound).get(),
        "pool": Pool(2).spawn(bound).get(),
        "map": Pool(2).map(lambda _: bound(), [0])[0],
        "threadpool": gevent.get_hub().threadpool.spawn(bound).get(),
    }
    crowd = [gevent.spawn(turns, alias) for alias in ALIASES * 10]
    gevent.joinall(crowd)
    return {"begins": begins, "binds": binds, "crowd": [greenlet.value for greenlet in crowd]}


if __name__ == "__main__":
    settings.MULTI_TENANT = {**settings.MULTI_TENANT, **json.loads(os.environ["JOBS_SETTINGS"])}
    django.setup()
    from tests.shared_place import one_place_for_all

    with one_place_for_all() if sys.argv[1:] else nullcontext():
        print(json.dumps(main()))
