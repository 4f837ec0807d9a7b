"""Who asks, here: what an authentication answers, turned into the member of the active tenant or refused."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.settings import api_settings

from multi_tenant.context import active_place
from multi_tenant.exceptions import NoTenantError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import is_static
from multi_tenant.routing.router import home_alias
from multi_tenant.users.members import CHECKED, checked, find_identity, find_member, has_identities, refresh, show


def admitted(user: Any) -> Any:
    """The user as it is known here; nobody stays nobody. Raises AuthenticationFailed for a stranger."""
    if is_nobody(user):
        return user
    person = person_here(user)
    if person is None:
        raise AuthenticationFailed(_("These credentials are not valid here."), code="not_a_member")
    return person


def admitted_credential(credential: Any) -> Any:
    """A credential of this place. Raises AuthenticationFailed for a row of another, such as a token of the platform."""
    if isinstance(credential, Model) and not is_valid_here(credential):
        raise AuthenticationFailed(_("These credentials are not valid here."), code="not_a_member")
    return credential


def is_nobody(user: Any) -> bool:
    """Whether an authentication says that it does not know who asks."""
    if user is None or isinstance(user, AnonymousUser):
        return True
    unknown: Any = api_settings.UNAUTHENTICATED_USER
    return isinstance(unknown, type) and isinstance(user, unknown)


def person_here(user: Any) -> Any | None:
    """The member or platform user that a user is here; None for anybody else.

    With another user model than ours users are what the project makes of them, as long as they are not another place's.
    """
    if not has_identities():
        return user if not isinstance(user, Model) or is_at_home(user) else None
    if isinstance(user, Model):
        # A model of another kind may have a key that is a person's by chance.
        return person_of_row(user) if isinstance(user, get_user_model()) else None
    # Made of nothing but a credential's text: of what that says about authority nothing is believed.
    return find_member(getattr(user, "pk", None)) if getattr(user, "is_authenticated", False) else None


def person_of_row(user: Any) -> Any | None:
    """The same for a row of the user model; one that is the active tenant's own, and whole, is not loaded again."""
    place = active_place.get()
    own = place.is_tenant and user._state.db == place.alias and not user.get_deferred_fields()
    if not own or place.uuid is None or getattr(user, CHECKED, None) == place.uuid:
        return checked(user)
    identity = find_identity(user.pk, place.uuid)
    if identity is None:
        return None
    refresh(user, identity)
    show(user, identity, place.uuid)
    return user


def is_at_home(row: Model) -> bool:
    """Whether a row is where the rows of its model are now; one that was never saved is nowhere else."""
    alias = row._state.db
    return alias is None or is_static(alias) or alias == home_alias(row.__class__)


def is_valid_here(credential: Model) -> bool:
    """Whether a credential's row is the active place's own, or was bound to it by who found it."""
    if not has_identities():
        return is_at_home(credential)
    place, alias = active_place.get(), credential._state.db
    if alias is None or is_static(alias) or alias == place.alias:
        return True
    return place.uuid is not None and getattr(credential, CHECKED, None) == place.uuid


def place_name() -> str:
    """What credentials and cache keys are bound to: the tenant's uuid, or ``public``. Raises NoTenantError."""
    place = active_place.get()
    if place.alias == PUBLIC:
        return PUBLIC
    if place.uuid is None:
        raise NoTenantError(
            "It is undecided for whom this is. Say tenant_context(...) or public_context() around what makes tokens."
        )
    return str(place.uuid)
