"""Authentication classes whose answer is a member of the active tenant, or nobody, by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    RemoteUserAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import AuthenticationFailed

from multi_tenant.contrib.rest.people import admitted, admitted_credential, is_nobody, person_here
from multi_tenant.contrib.rest.tokens import find_token

if TYPE_CHECKING:
    Authentication = BaseAuthentication
else:
    Authentication = object


class TenantAuthenticationMixin(Authentication):
    """Goes before an authentication class of any kind: who is no member here is refused."""

    def authenticate(self, request: Any) -> Any:
        answer = super().authenticate(request)
        if answer is None:
            return None
        user, credential = answer
        return admitted(user), admitted_credential(credential)


class TenantSessionAuthentication(SessionAuthentication):
    """Django's session; who is signed in elsewhere only is nobody here, as on any page of the site."""

    def authenticate(self, request: Any) -> Any:
        answer = super().authenticate(request)
        if answer is None or is_nobody(answer[0]):
            return None
        person = person_here(answer[0])
        return None if person is None else (person, None)


class TenantBasicAuthentication(TenantAuthenticationMixin, BasicAuthentication):
    """A name and a password of a member."""


class TenantRemoteUserAuthentication(TenantAuthenticationMixin, RemoteUserAuthentication):
    """A member whom the web server names."""


class TenantTokenAuthentication(TenantAuthenticationMixin, TokenAuthentication):
    """A token of ``rest_framework.authtoken``, or of a model like it, wherever its table is.

    Where the table is in the public database alone, a tenant's token is the one that ``issue_token`` answers there.
    """

    def authenticate_credentials(self, key: str) -> Any:
        token = find_token(self.get_model(), key)
        if token is None:
            raise AuthenticationFailed(_("Invalid token."))
        person = admitted(token.user)
        if not person.is_active:
            raise AuthenticationFailed(_("User inactive or deleted."))
        return person, token
