"""The way of a request into its tenant, and of the response out of it."""

from __future__ import annotations

from multi_tenant.middleware.tenant import TenantMiddleware as TenantMiddleware
