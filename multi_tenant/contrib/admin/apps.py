"""The configurations of the admin: Django's app by name and label, with a site that knows of places."""

from __future__ import annotations

# The module, and not its classes: Django would take those for configurations of this package.
from django.contrib.admin import apps as django_admin

SITE = "multi_tenant.contrib.admin.sites.TenantAdminSite"


class SimpleTenantAdminConfig(django_admin.SimpleAdminConfig):
    """For projects that make their sites themselves: nothing is discovered, and no registry is registered."""

    default = False
    default_site = SITE


class TenantAdminConfig(django_admin.AdminConfig):
    """Discovers each app's admin module, then registers the registry where no such module did."""

    default = True
    default_site = SITE

    def ready(self) -> None:
        super().ready()
        from django.contrib.admin import site

        from multi_tenant.contrib.admin.registry import register_registry

        register_registry(site)
