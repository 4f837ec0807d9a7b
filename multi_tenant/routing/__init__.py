"""From alias to connection."""

from __future__ import annotations

from multi_tenant.routing.router import TenantRouter as TenantRouter
