"""The wiring of REST framework's room: its only side effects."""

from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class RestConfig(AppConfig):
    """Lets members alone into a tenant's API, whatever classes authenticate them."""

    name = "multi_tenant.contrib.rest"
    label = "multi_tenant_rest"
    verbose_name = _("REST framework in tenants")

    def ready(self) -> None:
        from multi_tenant.contrib.rest import patches

        # REST framework's requests answer checked users, and its views tell what a tenant may not change.
        patches.apply(patches.PATCHES)

        # simplejwt is used without being in INSTALLED_APPS, so that it is enough that it can be imported.
        if find_spec("rest_framework_simplejwt"):
            from multi_tenant.contrib.rest import jwt_patches

            patches.apply(jwt_patches.chosen())

        # drf-spectacular knows the extensions that were imported.
        if apps.is_installed("drf_spectacular"):
            from multi_tenant.contrib.rest import schema  # noqa: F401
