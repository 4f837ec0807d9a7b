"""The tenants of django-tenants."""

from __future__ import annotations

from django_tenants.models import DomainMixin, TenantMixin


class Client(TenantMixin):  # type: ignore[misc]  # the peer is not installed where types are checked
    """A tenant."""


class Host(DomainMixin):  # type: ignore[misc]  # the peer is not installed where types are checked
    """A host of a tenant."""
