"""The signals of a tenant's life and of its members, sent by the lifecycle and the users app, received by projects.

Those of tenants are sent by the tenant's class with ``tenant`` (the saved row) once the change is committed.
``tenant_provisioned`` and ``tenant_resumed`` are sent with the tenant active.

Those of members are sent by the user model with ``key`` (the person's) and ``tenant`` (its record), with the tenant
active, once the membership is committed.
"""

from __future__ import annotations

from django.dispatch import Signal

tenant_provisioned = Signal()
tenant_suspended = Signal()
tenant_resumed = Signal()
tenant_deleted = Signal()
member_added = Signal()
member_removed = Signal()
