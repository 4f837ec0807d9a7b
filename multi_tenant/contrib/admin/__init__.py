"""Django's admin, divided by place: stands instead of ``django.contrib.admin`` in INSTALLED_APPS."""

from __future__ import annotations

from multi_tenant.contrib.admin.sites import TenantAdminSite as TenantAdminSite
