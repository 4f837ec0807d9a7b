"""What a process does before it forks: it uses the public database and the crowd's tenants, and closes nothing."""

from __future__ import annotations

from django.db import connection

from multi_tenant import tenant_context
from tests.journeys.crowd import TENANTS
from tests.journeys.crowd.views import Note, parents_sessions


def use_all() -> None:
    """Use each tenant, and keep the sessions that were opened for it."""
    for alias in TENANTS:
        with tenant_context(alias):
            list(Note.objects.all())
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    parents_sessions.append(cursor.fetchone()[0])
