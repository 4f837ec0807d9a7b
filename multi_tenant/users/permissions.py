"""What a person may do is asked where the person was loaded, and of members alone; the base of the user model."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractUser

from multi_tenant.users.members import CHECKED, counts_here


class AsksAtHome(AbstractUser):
    """Answers what a user may do, for one that counts at the active place.

    A superuser's flag and the permissions that an instance has kept are of the place where it was loaded: elsewhere
    the questions raise WrongTenantError. In a tenant, whoever is no active member may do nothing.
    """

    class Meta(AbstractUser.Meta):
        abstract = True

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled may be kept for long: whoever reads it asks anew whether this is a member."""
        state = dict(super().__getstate__())
        state.pop(CHECKED, None)
        return state

    def get_user_permissions(self, obj: Any = None) -> set[str]:
        return super().get_user_permissions(obj) if counts_here(self) else set()

    async def aget_user_permissions(self, obj: Any = None) -> set[str]:
        return await super().aget_user_permissions(obj) if await sync_to_async(counts_here)(self) else set()

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        return super().get_group_permissions(obj) if counts_here(self) else set()

    async def aget_group_permissions(self, obj: Any = None) -> set[str]:
        return await super().aget_group_permissions(obj) if await sync_to_async(counts_here)(self) else set()

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        return super().get_all_permissions(obj) if counts_here(self) else set()

    async def aget_all_permissions(self, obj: Any = None) -> set[str]:
        return await super().aget_all_permissions(obj) if await sync_to_async(counts_here)(self) else set()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return super().has_perm(perm, obj) if counts_here(self) else False

    async def ahas_perm(self, perm: str, obj: Any = None) -> bool:
        return await super().ahas_perm(perm, obj) if await sync_to_async(counts_here)(self) else False

    def has_module_perms(self, app_label: str) -> bool:
        return super().has_module_perms(app_label) if counts_here(self) else False

    async def ahas_module_perms(self, app_label: str) -> bool:
        return await super().ahas_module_perms(app_label) if await sync_to_async(counts_here)(self) else False
