"""A process that uses a tenant again and again, and prints what comes of it; started by tests.

Its arguments are an alias, and `entering` (a new context each time) or `inside` (one context for all). It ends when its
standard input does.
"""

from __future__ import annotations

import json
import os
import select
import sys

import django
from django.conf import settings

INTERVAL = 0.02


def main(alias: str, way: str) -> None:
    settings.MULTI_TENANT = {**settings.MULTI_TENANT, **json.loads(os.environ["WATCHER_SETTINGS"])}
    django.setup()
    if os.environ.get("WATCHER_NEVER_POLLS"):
        settings.MULTI_TENANT = {**settings.MULTI_TENANT, "REGISTRY_TTL": 10_000}
    if way == "entering":
        while not told_to_stop():
            report(lambda: enter(alias))
        return
    with tenant_context(alias):
        while not told_to_stop():
            report(use)


def enter(alias: str) -> str:
    with tenant_context(alias):
        return use()


def use() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM library_author")
        return ",".join(sorted(row[0] for row in cursor.fetchall()))


def report(call) -> None:  # type: ignore[no-untyped-def]  # a script
    try:
        print("served", call(), flush=True)
    except MultiTenantError as exc:
        print(type(exc).__name__, getattr(exc, "state", ""), flush=True)


def told_to_stop() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], INTERVAL)
    return bool(ready)


if __name__ == "__main__":
    from django.db import connection

    from multi_tenant.context import tenant_context
    from multi_tenant.exceptions import MultiTenantError

    main(*sys.argv[1:])
