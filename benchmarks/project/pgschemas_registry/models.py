"""The tenants of django-pgschemas."""

from __future__ import annotations

from django_pgschemas.models import TenantModel
from django_pgschemas.routing.models import DomainModel


class Client(TenantModel):  # type: ignore[misc]  # the peer is not installed where types are checked
    """A tenant."""


class Host(DomainModel):  # type: ignore[misc]  # the peer is not installed where types are checked
    """A host of a tenant."""
