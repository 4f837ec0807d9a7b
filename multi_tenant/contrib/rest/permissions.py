"""Permission classes that know where they are asked: in a tenant, or on the public site."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.permissions import BasePermission, DjangoModelPermissions, DjangoObjectPermissions

from multi_tenant.context import active_place
from multi_tenant.contrib.rest.people import is_at_home, is_nobody, person_here
from multi_tenant.registry.aliases import PUBLIC

VIEW = ["%(app_label)s.view_%(model_name)s"]


class IsTenantMember(BasePermission):
    """Lets in who is a member of the active tenant; on the public site nobody."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return is_member(request)


class IsTenantStaff(BasePermission):
    """Lets in the staff of the active tenant; on the public site nobody."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return is_member(request) and bool(request.user.is_staff)


class IsPlatformStaff(BasePermission):
    """Lets in the platform's staff, on the public site; in a tenant nobody, not even the tenant's own staff."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return active_place.get().alias == PUBLIC and is_known(request) and bool(request.user.is_staff)


class TenantModelPermissions(DjangoModelPermissions):
    """Asks a member for the permissions that the tenant gave, that to view among them; on the public site nobody."""

    perms_map: dict[str, list[str]] = {**DjangoModelPermissions.perms_map, "GET": VIEW, "HEAD": VIEW}

    def has_permission(self, request: Any, view: Any) -> bool:
        return is_member(request) and bool(super().has_permission(request, view))


class TenantObjectPermissions(DjangoObjectPermissions):
    """The same for each object, from a backend that knows of objects; an object of another place is not found."""

    perms_map: dict[str, list[str]] = TenantModelPermissions.perms_map

    def has_permission(self, request: Any, view: Any) -> bool:
        return is_member(request) and bool(super().has_permission(request, view))

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        if not is_at_home(obj):
            raise Http404
        return bool(super().has_object_permission(request, view, obj))


def is_member(request: Any) -> bool:
    """Whether a member of the active tenant asks."""
    return active_place.get().is_tenant and is_known(request)


def is_known(request: Any) -> bool:
    """Whether somebody asks, and is known here."""
    return not is_nobody(request.user) and person_here(request.user) is not None
