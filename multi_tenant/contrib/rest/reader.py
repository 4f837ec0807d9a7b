"""Which tenant a JSON web token is for: a reader for CredentialResolver, for programs that ask the public site."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils.module_loading import import_string
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenBackendError

from multi_tenant.conf import conf
from multi_tenant.context import tenant_context
from multi_tenant.contrib.rest.claims import CLAIM, person_of
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.resolvers import Claim


def read_token(request: Any) -> Claim | None:
    """The claim of a tenant's token in the request's header; None where there is none that is valid there.

    What is not valid is left to the view on the public site, which refuses it. Raises what entering a tenant raises.
    """
    reader = JWTAuthentication()
    raw = raw_token(reader, request)
    tenant = None if raw is None else tenant_of(raw)
    if tenant is None:
        return None
    with tenant_context(tenant):
        try:
            person = person_of(reader.get_validated_token(raw))  # type: ignore[arg-type]  # it was found above
        except InvalidToken:
            return None
    return None if person is None else Claim(tenant.alias, person.pk, tenant.uuid, insisting=True)


def raw_token(reader: JWTAuthentication, request: Any) -> bytes | None:
    """What stands in the header where a token does."""
    header: bytes | None = reader.get_header(request)
    try:
        return None if header is None else reader.get_raw_token(header)
    except AuthenticationFailed:
        return None


def tenant_of(raw: bytes) -> Any | None:
    """The row of the tenant that a token with a right signature names."""
    try:
        payload = import_string("rest_framework_simplejwt.state.token_backend").decode(raw)
        key = UUID(payload.get(CLAIM, ""))
    except (TokenBackendError, ValueError):
        return None
    return apps.get_model(conf.TENANT_MODEL)._base_manager.using(PUBLIC).filter(pk=key).first()
