"""Authentication backends: the password is the identity's, the answer is the member."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError

from multi_tenant.context import public_context
from multi_tenant.users.members import find_member


class GlobalUserBackend(ModelBackend):
    """Checks a password in public, and lets members alone into a tenant."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> Any:
        with public_context():
            identity = super().authenticate(request, username, password, **kwargs)
        return None if identity is None else find_member(identity.pk)

    async def aauthenticate(self, request: Any, username: Any = None, password: Any = None, **kwargs: Any) -> Any:
        with public_context():
            identity = await super().aauthenticate(request, username, password, **kwargs)
        return None if identity is None else await sync_to_async(find_member)(identity.pk)

    def get_user(self, user_id: Any) -> Any:
        try:
            key = get_user_model()._meta.pk.to_python(user_id)
        except ValidationError:
            return None
        return find_member(key)

    async def aget_user(self, user_id: Any) -> Any:
        return await sync_to_async(self.get_user)(user_id)
