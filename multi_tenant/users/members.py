"""Who is a member of the active tenant: the one question that backends, middleware and authentication classes ask."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model

from multi_tenant.context import active_place, public_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.identity import identity_values, overlay

#: The attribute of a member that was checked: the uuid of the tenant that it was checked for.
CHECKED = "_checked_in"


def find_member(key: Any) -> Any | None:
    """The member of the active tenant with that key, who shows the identity's values; None for anybody else.

    One statement on public and one in the tenant. On the public site it is the identity itself.
    """
    model, place = get_user_model(), active_place.get()
    if not place.is_tenant or place.uuid is None:
        return model._base_manager.using(PUBLIC).filter(pk=key, is_active=True).first()
    identity = find_identity(key, place.uuid)
    if identity is None:
        return None
    member = model._default_manager.filter(pk=key).first()
    if member is not None:
        overlay(member, identity)
        setattr(member, CHECKED, place.uuid)
    return member


def find_identity(key: Any, tenant: UUID) -> dict[str, Any] | None:
    """The identity's values of an active person with an active membership in a tenant."""
    with public_context():
        rows = apps.get_model("multi_tenant_users.Membership")._base_manager.using(PUBLIC).select_related("user")
        membership = rows.filter(user_id=key, tenant_id=tenant, is_active=True, user__is_active=True).first()
        return None if membership is None else identity_values(membership.user)


def checked(user: Any) -> Any | None:
    """The member or platform user that a user, as an authentication answers it, is here; None for nobody."""
    if user is None or not getattr(user, "is_authenticated", False):
        return None
    place = active_place.get()
    if place.is_tenant and getattr(user, CHECKED, None) == place.uuid and user._state.db == place.alias:
        return user
    return find_member(user.pk)
