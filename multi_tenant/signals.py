"""The signals of a tenant's life, sent by the lifecycle and received by projects.

Each is sent by the tenant's class with ``tenant`` (the saved row) once the change is committed.
``tenant_provisioned`` and ``tenant_resumed`` are sent with the tenant active.
"""

from __future__ import annotations

from django.dispatch import Signal

tenant_provisioned = Signal()
tenant_suspended = Signal()
tenant_resumed = Signal()
tenant_deleted = Signal()
