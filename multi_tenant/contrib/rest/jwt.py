"""JSON web tokens of simplejwt in tenants: the authentication class, which looks the member up at once."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import get_md5_hash_password

from multi_tenant.contrib.rest.authentication import TenantAuthenticationMixin
from multi_tenant.contrib.rest.claims import person_of
from multi_tenant.users.members import has_identities


class TenantJWTAuthentication(TenantAuthenticationMixin, JWTAuthentication):
    """A JSON web token that was made for the active tenant, and names a member."""

    def get_user(self, validated_token: Any) -> Any:
        if not has_identities():
            return super().get_user(validated_token)
        if api_settings.USER_ID_CLAIM not in validated_token:
            raise InvalidToken(_("Token contained no recognizable user identification"))
        person = person_of(validated_token)
        if person is None:
            raise AuthenticationFailed(_("User not found"), code="user_not_found")
        # The member shows the identity's password, of which the tenant's row has nothing.
        hashed = validated_token.get(api_settings.REVOKE_TOKEN_CLAIM)
        if api_settings.CHECK_REVOKE_TOKEN and hashed != get_md5_hash_password(person.password):
            raise AuthenticationFailed(_("The user's password has been changed."), code="password_changed")
        return person
