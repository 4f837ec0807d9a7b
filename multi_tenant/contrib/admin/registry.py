"""The registry in the admin of the public site: domains, servers, and tenants by way of ``tenants``."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from multi_tenant.conf import conf
from multi_tenant.contrib.admin.public_admin import PublicModelAdmin
from multi_tenant.contrib.admin.registry_forms import ChangedServerForm, DomainForm, ServerForm
from multi_tenant.contrib.admin.tenants import TenantAdmin
from multi_tenant.registry.models import DatabaseServer, Domain


class DomainAdmin(PublicModelAdmin):
    """The hosts of all tenants."""

    form = DomainForm
    list_display = ("host", "tenant", "created_at")
    list_select_related = ("tenant",)
    search_fields = ("host", "tenant__alias", "tenant__name")

    def get_autocomplete_fields(self, request: HttpRequest) -> Any:
        # Not stated on the class: a project's own admin of its tenants may search nothing.
        tenants = self.admin_site._registry.get(apps.get_model(conf.TENANT_MODEL))
        return ("tenant",) if tenants is not None and tenants.get_search_fields(request) else ()

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("empty_label", "---------")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class DatabaseServerAdmin(PublicModelAdmin):
    """Servers that new tenants are placed on. What is stored of their credentials is never shown."""

    list_display = ("name", "accepts_tenants")
    list_filter = ("accepts_tenants",)
    search_fields = ("name",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ServerForm if obj is None else ChangedServerForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return [(None, {"fields": ["name", "accepts_tenants"]})]
        return super().get_fieldsets(request, obj)

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)


def register_registry(site: AdminSite) -> None:
    """Register the registry's models with a site, but for those that the project has registered itself."""
    admins: dict[Any, Any] = {
        apps.get_model(conf.TENANT_MODEL): TenantAdmin,
        Domain: DomainAdmin,
        DatabaseServer: DatabaseServerAdmin,
    }
    for model, admin in admins.items():
        if not site.is_registered(model):
            site.register(model, admin)
