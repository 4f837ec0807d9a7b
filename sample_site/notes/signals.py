"""A tenant's first note, written when its database is ready."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from multi_tenant.signals import tenant_provisioned
from sample_site.notes.models import Note


@receiver(tenant_provisioned)
def welcome(*, tenant: Any, **kwargs: Any) -> None:
    """Sent with the tenant active: what is written here is in its database."""
    Note.objects.create(title=f"Welcome to {tenant.name or tenant.alias}", text="This board is yours alone.")
