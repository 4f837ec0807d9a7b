"""Tokens of ``rest_framework.authtoken`` that open one tenant, whether their table is in tenants or in public."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authtoken.models import Token

from multi_tenant.context import active_place, public_context
from multi_tenant.contrib.rest.people import place_name
from multi_tenant.routing.homes import Home, home_of_model
from multi_tenant.users.members import CHECKED

#: Between the person's key and the proof.
SEPARATOR = "."
SALT = "multi_tenant.contrib.rest.tokens"


def issue_token(user: Any, *, model: type[Any] = Token) -> str:
    """The text that a person shows as token at the active place; made when there is none.

    From a table in public, what a tenant's member gets is derived from the person's one token and the tenant's uuid:
    it is nothing elsewhere, and dies with that token.
    """
    if not is_bound(model):
        return str(model._default_manager.get_or_create(user=user)[0].key)
    with public_context():
        token, _ = model._default_manager.get_or_create(user_id=user.pk)
    return f"{user.pk}{SEPARATOR}{proof_of(token)}"


def find_token(model: type[Any], text: str) -> Any | None:
    """The token that a text stands for at the active place, with its user loaded; None for any other text."""
    if not has_tokens(model):
        return None
    if not is_bound(model):
        return model._default_manager.select_related("user").filter(key=text).first()
    key, _, proof = text.rpartition(SEPARATOR)
    with public_context():
        tokens = tokens_of(model, key)
    for token in tokens:
        if constant_time_compare(proof, proof_of(token)):
            setattr(token, CHECKED, active_place.get().uuid)
            return token
    return None


def tokens_of(model: type[Any], user_key: str) -> list[Any]:
    """The tokens of a person, none for what is no key."""
    try:
        return list(model._default_manager.select_related("user").filter(user_id=user_key))
    except (ValidationError, ValueError):
        return []


def has_tokens(model: type[Model]) -> bool:
    """Whether there are tokens at the active place; from a table in tenants alone the public site has none."""
    return active_place.get().is_tenant or home_of_model(model) is not Home.TENANT


def is_bound(model: type[Model]) -> bool:
    """Whether a token is to be bound to the active tenant because its table is not in it."""
    return active_place.get().is_tenant and home_of_model(model) is Home.SHARED


def proof_of(token: Any) -> str:
    """What can be worked out only by who knows the token: that it is meant for the active tenant."""
    return salted_hmac(SALT, place_name(), secret=token.key, algorithm="sha256").hexdigest()
