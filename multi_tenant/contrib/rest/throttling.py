"""Throttles that count for each tenant apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, SimpleRateThrottle, UserRateThrottle

from multi_tenant.contrib.rest.people import place_name

if TYPE_CHECKING:
    Throttle = SimpleRateThrottle
else:
    Throttle = object


class TenantThrottleMixin(Throttle):
    """Goes before a throttle that counts in the cache: its keys are bound to the tenant's uuid."""

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        key = super().get_cache_key(request, view)
        return None if key is None else f"{key}_{place_name()}"


class TenantAnonRateThrottle(TenantThrottleMixin, AnonRateThrottle):
    """Counts who is nobody by address, in each tenant apart."""


class TenantUserRateThrottle(TenantThrottleMixin, UserRateThrottle):
    """Counts a person in each tenant apart."""


class TenantScopedRateThrottle(TenantThrottleMixin, ScopedRateThrottle):
    """Counts a person and a part of the API, in each tenant apart."""
