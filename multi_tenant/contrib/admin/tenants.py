"""Tenants in the admin of the public site: their list, their pages, and what the lifecycle can do to them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import TabularInline, action, display
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from multi_tenant.contrib.admin.operations import BY_NAME
from multi_tenant.contrib.admin.registry_forms import DomainForm
from multi_tenant.contrib.admin.tenant_views import TenantViews
from multi_tenant.registry.models import Domain, Placement


class DomainInline(TabularInline):  # type: ignore[type-arg]  # Django's own takes no argument
    """The hosts of a tenant, on its page."""

    model = Domain
    form = DomainForm
    fields = ("host",)
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        gone = obj is not None and obj.state in ("deleting", "deleted")
        return not gone and super().has_add_permission(request, obj)


class TenantAdmin(TenantViews):
    """The tenants. What changes their lives is done outside transactions, by the lifecycle alone."""

    list_display = ("alias", "name", "state", "place", "hosts", "created_at")
    list_filter = ("state",)
    search_fields = ("alias", "name", "domains__host")
    readonly_fields = ("alias", "state", "step", "error", "place", "adopted", "created_at", "updated_at", "deleted_at")
    exclude = ("server",)
    inlines = (DomainInline,)
    actions = ("suspend_selected", "resume_selected", "migrate_selected")
    change_form_template = "multi_tenant/admin/tenant_change_form.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("server").prefetch_related("domains")

    @display(description=gettext_lazy("server"), ordering="placement")
    def place(self, tenant: Any) -> str:
        """Whose server the tenant's database is on."""
        return str(tenant.server or Placement(tenant.placement).label)

    @display(description=gettext_lazy("domains"))
    def hosts(self, tenant: Any) -> str:
        """The hosts that lead to the tenant."""
        return ", ".join(domain.host for domain in tenant.domains.all())

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> Any:
        given = {} if action_location is None else {"action_location": action_location}  # as of Django 6.1
        actions = super().get_actions(request, **given)
        actions.pop("delete_selected", None)  # it would forget databases, and leave them
        return actions

    @action(permissions=["change"], description=gettext_lazy("Suspend the selected tenants"))
    def suspend_selected(self, request: HttpRequest, queryset: Any) -> None:
        self.operate_on_each(request, queryset, "suspend")

    @action(permissions=["change"], description=gettext_lazy("Resume the selected tenants"))
    def resume_selected(self, request: HttpRequest, queryset: Any) -> None:
        self.operate_on_each(request, queryset, "resume")

    @action(permissions=["change"], description=gettext_lazy("Migrate the selected tenants"))
    def migrate_selected(self, request: HttpRequest, queryset: Any) -> None:
        self.operate_on_each(request, queryset, "migrate")

    def operate_on_each(self, request: HttpRequest, tenants: Any, name: str) -> None:
        """Do an operation to one tenant after another; a failure keeps nothing from the others."""
        for tenant in tenants:
            self.operate(request, tenant, BY_NAME[name])
