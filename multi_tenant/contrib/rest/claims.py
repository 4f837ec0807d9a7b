"""The claim that binds a JWT to the place it was made for, and what is checked when one is read."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings

from multi_tenant.contrib.rest.authenticating import running
from multi_tenant.contrib.rest.people import place_name
from multi_tenant.users.members import find_member, has_identities

#: Holds the tenant's uuid, ``public`` on the public site.
CLAIM = "tenant_uuid"


def bind(token: Any) -> None:
    """Write into a new token for which place it is made. Raises NoTenantError where that is undecided."""
    token.payload[CLAIM] = place_name()


def check_place(token: Any) -> None:
    """Raise TokenError for a token of another place."""
    if token.payload.get(CLAIM) != place_name():
        raise TokenError(_("Token is invalid"))


def check(token: Any) -> None:
    """Raise TokenError for a token of another place, and for that of a person who is no member any more."""
    check_place(token)
    if running.get() or not has_identities() or api_settings.USER_ID_CLAIM not in token.payload:
        return
    if person_of(token) is None:
        raise TokenError(_("Token is invalid"))


def person_of(token: Any) -> Any | None:
    """The member or platform user whom a token names; None for anybody else."""
    model, value = get_user_model(), token.payload.get(api_settings.USER_ID_CLAIM)
    if api_settings.USER_ID_FIELD not in ("pk", model._meta.pk.name):
        value = (
            model._default_manager.filter(**{api_settings.USER_ID_FIELD: value}).values_list("pk", flat=True).first()
        )
    return find_member(value)
