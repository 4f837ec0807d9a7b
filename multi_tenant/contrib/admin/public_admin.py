"""The base of the registry's ModelAdmins: nobody may do anything but on the public site, whatever site has them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from multi_tenant.contrib.admin.scope import is_here


class PublicModelAdmin(ModelAdmin):  # type: ignore[type-arg]  # Django's own takes no argument
    """Grants what Django grants, where the model is. A site that does not divide itself by place is no way round it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_here(self.model) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_here(self.model) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_here(self.model) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_here(self.model) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_here(self.model) and super().has_delete_permission(request, obj)
