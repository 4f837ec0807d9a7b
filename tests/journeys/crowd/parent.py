"""What a process does before it forks its workers: it uses the public database and all tenants, and closes nothing."""

from __future__ import annotations

from django.db import connection

from multi_tenant import tenant_context
from multi_tenant.models import Tenant
from tests.journeys.crowd.views import Note, parents_sessions


def use_all() -> None:
    """Use each tenant, and keep the sessions that were opened for it."""
    for tenant in Tenant.objects.order_by("alias"):
        with tenant_context(tenant):
            list(Note.objects.all())
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    parents_sessions.append(cursor.fetchone()[0])
