"""The check that no admin site offers models where they do not live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from multi_tenant.checks.findings import finding, on_readable_settings
from multi_tenant.checks.homes import IN_PUBLIC, IN_TENANTS
from multi_tenant.routing.homes import Home, home_of, home_of_model

ADMIN = "django.contrib.admin"


@on_readable_settings
def check_admin(**kwargs: Any) -> Iterator[CheckMessage]:
    """Each admin site that does not divide itself by place, against the models that it has."""
    if not apps.is_installed(ADMIN):
        return
    # By name: a project without the admin does not pay for its import.
    divided = import_string("multi_tenant.contrib.admin.sites.TenantAdminSite")
    home = home_of("admin")
    for site in import_string(f"{ADMIN}.sites.all_sites"):
        if isinstance(site, divided):
            continue
        shared = labels_of(site, Home.SHARED) if home in IN_TENANTS else ""
        tenant = labels_of(site, Home.TENANT) if home in IN_PUBLIC else ""
        if shared:
            yield finding("E016", site=site.name, models=shared)
        elif tenant:
            yield finding("W009", site=site.name, models=tenant)


def labels_of(site: Any, home: Home) -> str:
    """The models of a site that have this home, the first few by name."""
    labels = sorted(model._meta.label for model in site._registry if home_of_model(model) is home)
    return ", ".join([*labels[:3], "…"] if len(labels) > 3 else labels)
