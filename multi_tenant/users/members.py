"""Who is a member of the active tenant: the one question that backends, middleware and authentication classes ask."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction

from multi_tenant.conf import conf
from multi_tenant.context import active_place
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.router import check_at_home, home_alias
from multi_tenant.users.copies import make_row, refresh_row
from multi_tenant.users.identity import changed_fields, identity_values, overlay
from multi_tenant.users.known import Identity, known_members
from multi_tenant.users.public import read_public

logger = logging.getLogger("multi_tenant.users")
#: The attribute of a member that was checked: the uuid of the tenant that it was checked for.
CHECKED = "_checked_in"


def find_member(key: Any) -> Any | None:
    """The member of the active tenant with that key, who shows the identity's values; None for anybody else.

    One statement on public and one in the tenant. On the public site it is the identity itself. Raises NoTenantError
    while nothing is decided, RegistryUnavailableError when the public database is away.
    """
    model, place = get_user_model(), active_place.get()
    home_alias(model)
    cleaned = clean_key(model, key)
    if cleaned is None:
        return None
    if not place.is_tenant:
        return read_public(lambda: model._base_manager.using(PUBLIC).filter(pk=cleaned, is_active=True).first())
    return None if place.uuid is None else member_in(place.uuid, cleaned)


def checked(user: Any) -> Any | None:
    """The member or platform user that a user, as an authentication answers it, is here; None for nobody."""
    if user is None or not getattr(user, "is_authenticated", False):
        return None
    if not has_identities():
        return user
    place, found_in = active_place.get(), getattr(getattr(user, "_state", None), "db", None)
    if place.is_tenant and getattr(user, CHECKED, None) == place.uuid and found_in == place.alias:
        return user
    if found_in == place.alias == PUBLIC:
        return user if user.is_active else None
    return find_member(user.pk)


def has_identities() -> bool:
    """Whether the user model is one of ours, as a check asks for; tests swap it."""
    return hasattr(get_user_model(), "IDENTITY_FIELDS")


def clean_key(model: Any, key: Any) -> Any | None:
    """A key as the model has it; None for what cannot be one."""
    try:
        return model._meta.pk.to_python(key)
    except ValidationError:
        return None


def member_in(tenant: UUID, key: Any) -> Any | None:
    """The member of a tenant, which is the active one; its row is mended where it lags behind the identity."""
    identity = find_identity(key, tenant)
    if identity is None:
        return None
    rows = get_user_model()._base_manager.filter(pk=key)
    member = rows.first() or mend(rows, key, identity)
    refresh(member, identity)
    show(member, identity, tenant)
    return member


def mend(rows: Any, key: Any, identity: Identity) -> Any:
    """Make the row of a member who has none: it was lost, or never written. Two visits at once make one."""
    try:
        with transaction.atomic(using=active_place.get().alias):
            make_row(key, identity)
        logger.warning("The member row of %s was missing and has been made.", key)
    except IntegrityError:
        logger.debug("The member row of %s was made by somebody else.", key)
    return rows.get()


def refresh(member: Any, identity: Identity) -> None:
    """Bring a member row up to date. A visit does not fail for it: the identity is shown anyway."""
    try:
        refresh_row(member, identity)
    except DatabaseError as exc:
        logger.warning("The member row of %s could not be refreshed (%s).", member.pk, type(exc).__name__)


def find_identity(key: Any, tenant: UUID) -> Identity | None:
    """The identity's values of an active person with an active membership in a tenant."""
    known = known_members.recall(key, tenant) if conf.MEMBERSHIP_TTL else None
    if known is not None:
        return known
    asked, changes = monotonic(), known_members.changes
    identity = read_public(lambda: read_identity(key, tenant))
    if conf.MEMBERSHIP_TTL and identity is not None:
        known_members.remember(key, tenant, identity, asked=asked, changes=changes)
    return identity


def read_identity(key: Any, tenant: UUID) -> Identity | None:
    """The same, from the database; the membership's row with the person's."""
    rows = apps.get_model("multi_tenant_users.Membership")._base_manager.using(PUBLIC).select_related("user")
    membership = rows.filter(user_id=key, tenant_id=tenant, is_active=True, user__is_active=True).first()
    return None if membership is None else identity_values(membership.user)


def counts_here(user: Any) -> bool:
    """Whether a user's authority counts at the active place: in a tenant, whether it is an active member.

    Raises WrongTenantError for a user that was loaded elsewhere.
    """
    check_at_home(user)
    place = active_place.get()
    if user._state.db != place.alias or not place.is_tenant or getattr(user, CHECKED, None) == place.uuid:
        return True
    identity = None if place.uuid is None else find_identity(user.pk, place.uuid)
    if identity is not None:
        show(user, identity, place.uuid)
    return identity is not None


def show(member: Any, identity: Identity, tenant: UUID | None) -> None:
    """Have a member show its identity, but for what was set on it since it was loaded, and note that it was checked."""
    changes = changed_fields(member, None)
    overlay(member, identity)
    member.__dict__.update(changes)
    setattr(member, CHECKED, tenant)
