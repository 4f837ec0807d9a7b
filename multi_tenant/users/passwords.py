"""A member's password is the identity's, wherever the member was read; the base of the user model that sees to it."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractUser
from django.views.decorators.debug import sensitive_variables

from multi_tenant.users.binding import bound_hash
from multi_tenant.users.identity import own_identity, show_identity


class HasIdentitysPassword(AbstractUser):
    """Looks the password up in public before it is used, for a row that a tenant's query has answered.

    Whoever gives the right password is the person, so that a hash may be upgraded. All of it raises
    RegistryUnavailableError when the public database is away.
    """

    class Meta(AbstractUser.Meta):
        abstract = True

    @sensitive_variables("raw_password")
    def check_password(self, raw_password: Any) -> bool:
        show_identity(self)
        with own_identity(self):
            return super().check_password(raw_password)

    @sensitive_variables("raw_password")
    async def acheck_password(self, raw_password: Any) -> bool:
        await sync_to_async(show_identity)(self)
        with own_identity(self):
            return await super().acheck_password(raw_password)

    def has_usable_password(self) -> bool:
        show_identity(self)
        return super().has_usable_password()

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        show_identity(self)
        return bound_hash(super()._get_session_auth_hash(secret=secret), secret)  # type: ignore[misc]  # Django's own
