"""Authentication backends: the password is the identity's, the answer is the member."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.contrib.auth.backends import ModelBackend, RemoteUserBackend
from django.views.decorators.debug import sensitive_variables

from multi_tenant.context import active_place, public_context
from multi_tenant.exceptions import RegistryUnavailableError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.members import checked, find_member
from multi_tenant.users.public import FAILURES, at_public, is_away, read_public


class MembersOnly(ModelBackend):
    """What all backends here share: they know the members of the active tenant, on the public site the identities."""

    def get_user(self, user_id: Any) -> Any:
        user = find_member(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    async def aget_user(self, user_id: Any) -> Any:
        return await sync_to_async(self.get_user)(user_id)

    def with_perm(self, perm: Any, is_active: Any = True, include_superusers: bool = True, obj: Any = None) -> Any:
        """Django's, where a tenant's copy of ``is_active`` says nothing: a membership may be suspended, too.

        Asks the public database when it is called, not when the queryset is used.
        """
        holders = super().with_perm(perm, None, include_superusers, obj)  # type: ignore[arg-type]  # any state
        place = active_place.get()
        if is_active is None or not place.is_tenant:
            return holders if is_active is None else holders.filter(is_active=is_active)
        keys = list(holders.values_list("pk", flat=True))
        active = read_public(lambda: active_members(place.uuid, keys))
        return holders.filter(pk__in=active) if is_active else holders.exclude(pk__in=active)


class GlobalUserBackend(MembersOnly):
    """Checks a password in public, and lets members alone into a tenant."""

    @sensitive_variables("password")
    def authenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> Any:
        with at_public():
            identity = super().authenticate(request, username, password, **kwargs)
        return checked(identity)

    @sensitive_variables("password")
    async def aauthenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> Any:
        with public_context():
            try:
                identity = await super().aauthenticate(request, username, password, **kwargs)
            except FAILURES:
                await refuse_if_away()
                raise
        return await sync_to_async(checked)(identity)


class GlobalRemoteUserBackend(MembersOnly, RemoteUserBackend):
    """Believes the web server who somebody is, and lets members alone into a tenant; there it makes nobody."""

    def authenticate(self, request: Any, remote_user: Any) -> Any:  # type: ignore[override]  # as Django's own
        self.create_unknown_user = self.create_unknown_user and not active_place.get().is_tenant
        with at_public():
            identity = super().authenticate(request, remote_user)
        return checked(identity)

    async def aauthenticate(self, request: Any, remote_user: Any) -> Any:  # type: ignore[override]  # as Django's own
        self.create_unknown_user = self.create_unknown_user and not active_place.get().is_tenant
        with public_context():
            try:
                identity = await super().aauthenticate(request, remote_user)
            except FAILURES:
                await refuse_if_away()
                raise
        return await sync_to_async(checked)(identity)


async def refuse_if_away() -> None:
    """Raise RegistryUnavailableError, without the driver's error, when the public database is away."""
    if await sync_to_async(is_away)():
        raise RegistryUnavailableError from None


def active_members(tenant: Any, keys: list[Any]) -> list[Any]:
    """Those of some keys whose identity and whose membership of a tenant are active."""
    rows = apps.get_model("multi_tenant_users.Membership")._base_manager.using(PUBLIC)
    active = rows.filter(user_id__in=keys, tenant_id=tenant, is_active=True, user__is_active=True)
    return list(active.values_list("user_id", flat=True))
