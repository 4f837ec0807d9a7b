"""How people come to belong to tenants, and cease to: memberships, and the invitations that lead to them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from multi_tenant.conf import conf
from multi_tenant.context import active_place, public_context, tenant_context
from multi_tenant.exceptions import (
    IdentityProtectedError,
    InvalidAuthorityError,
    InvitationError,
    NoTenantError,
    WrongTenantError,
)
from multi_tenant.fleet.selection import WHOLE
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.copies import make_row
from multi_tenant.users.identity import identity_values, lock_identity
from multi_tenant.users.memberships import begin_membership, set_active
from multi_tenant.users.removal import remove_key, strip

#: What a member may be given: two flags, and groups by name.
FLAGS = frozenset({"is_staff", "is_superuser"})
GROUPS = "groups"
#: Bytes of chance in an invitation's token.
TOKEN_BYTES = 32


def add_member(
    user: Any, tenant: Any, *, is_staff: bool = False, is_superuser: bool = False, groups: Iterable[str] = ()
) -> Any:
    """Make a person a member of a tenant, and answer the membership; one that is there stays as it is.

    ``user`` is an identity or its key. For code of the platform, in public: in a tenant people are invited. Raises
    IdentityProtectedError, InvalidAuthorityError and what entering the tenant raises.
    """
    if active_place.get().alias != PUBLIC:
        raise IdentityProtectedError(
            "Nobody is added to a tenant from within one. Invite the person with invite(); the platform's own code "
            "says public_context()."
        )
    authority = {"is_staff": is_staff, "is_superuser": is_superuser, GROUPS: list(groups)}
    with tenant_context(tenant, any_state=True):
        return join(key_of(user), authority)


def remove_member(user: Any, tenant: Any = None) -> None:
    """End a membership: the person's authority in the tenant goes, and what others made of its row there stays.

    ``tenant`` is the active one if it is not given. Raises WrongTenantError within another tenant.
    """
    with at_tenant(tenant):
        remove_key(key_of(user))


def suspend_member(user: Any, tenant: Any = None) -> None:
    """Keep a member out of a tenant until ``resume_member``; its row and authority stay as they are."""
    with at_tenant(tenant):
        set_active(key_of(user), active=False)


def resume_member(user: Any, tenant: Any = None) -> None:
    """Let a suspended member in again."""
    with at_tenant(tenant):
        set_active(key_of(user), active=True)


def invite(
    email: str, *, tenant: Any = None, authority: Mapping[str, Any] | None = None, invited_by: Any = None
) -> Any:
    """Offer membership of a tenant, of the active one if none is given, to whoever reads that address.

    Answers the invitation. Its ``token`` is for the link in the mail, and is kept nowhere. ``authority`` may hold
    ``is_staff``, ``is_superuser`` and ``groups`` (names). Nothing is looked up, so nothing is told of who has an
    account. Raises InvalidAuthorityError and WrongTenantError.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with at_tenant(tenant):
        granted = checked_authority(authority or {})
        key = active_place.get().uuid
    with public_context():
        invitation = invitations().create(
            tenant_id=key,
            email=email,
            digest=digest_of(token),
            authority=granted,
            invited_by=None if invited_by is None else key_of(invited_by),
            expires_at=timezone.now() + timedelta(seconds=conf.INVITATION_TTL),
        )
    invitation.token = token
    return invitation


def accept(token: str, user: Any) -> Any:
    """Make the person who holds an invitation's token a member, and answer the membership. It works once.

    Where a tenant is active, its own invitations alone are known. Raises InvitationError and what entering the tenant
    raises.
    """
    place = active_place.get()
    with public_context():
        invitation = find_invitation(token)
        if place.is_tenant and place.uuid != invitation.tenant_id:
            raise InvitationError("unknown")
    with transaction.atomic(using=PUBLIC):
        with public_context():
            lock_identity(get_user_model(), key_of(user))
            use_up(invitation)
        with tenant_context(invitation.tenant, switch=True):
            return join(key_of(user), invitation.authority)


def revoke(invitation: Any) -> None:
    """Take an invitation back, if nobody has accepted it yet; an invitation or its key is given."""
    with public_context():
        rows = invitations().filter(pk=key_of(invitation), accepted_at=None, revoked_at=None)
        rows.update(revoked_at=timezone.now())


def find_invitation(token: str) -> Any:
    """The invitation of a token. Raises InvitationError unless it can be accepted."""
    invitation = invitations().select_related("tenant").filter(digest=digest_of(token)).first()
    if invitation is None:
        raise InvitationError("unknown")
    if invitation.revoked_at is not None or is_locked_out(invitation.invited_by):
        raise InvitationError("revoked")
    if invitation.accepted_at is not None:
        raise InvitationError("used")
    if invitation.expires_at <= timezone.now():
        raise InvitationError("expired")
    return invitation


def is_locked_out(key: Any) -> bool:
    """Whether a person who has invited somebody has been deactivated since."""
    return bool(key) and get_user_model()._base_manager.using(PUBLIC).filter(pk=key, is_active=False).exists()


def use_up(invitation: Any) -> None:
    """Mark an invitation as accepted; of several who try at once, one does. Raises InvitationError."""
    now = timezone.now()
    rows = invitations().filter(pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now)
    if not rows.update(accepted_at=now):
        raise InvitationError("used")


def join(key: Any, authority: Mapping[str, Any]) -> Any:
    """Make a person a member of the active tenant; whoever is one already stays as it is."""
    place, model = active_place.get(), get_user_model()
    granted = checked_authority(authority)
    with transaction.atomic(using=PUBLIC):
        identity = lock_identity(model, key)
        if identity is None:
            raise model.DoesNotExist(f"There is no {model._meta.label} {key} in the public database.")
        membership, made = begin_membership(key)
        if made:
            with transaction.atomic(using=place.alias):
                give_authority(find_or_make_row(identity), granted)
    return membership


def find_or_make_row(identity: Any) -> Any:
    """The row of a person in the active tenant, without authority; a former member may still have one, with some."""
    row = get_user_model()._base_manager.using(active_place.get().alias).filter(pk=identity.pk).first()
    if row is None:
        return make_row(identity.pk, identity_values(identity))
    strip(row)  # who deletes a membership in the public database does not reach the row
    return row


def strip_former(key: Any, tenant: Any) -> None:
    """Take what authority a person's row in a tenant still has, before a membership is added by hand.

    A tenant without a whole database has no such rows. Raises what entering the tenant raises.
    """
    if tenant.state in WHOLE:
        with tenant_context(tenant, any_state=True):
            row = get_user_model()._base_manager.filter(pk=key).first()
            if row is not None:
                strip(row)


def give_authority(member: Any, authority: Mapping[str, Any]) -> None:
    """Give a member's row what it may do in the active tenant."""
    flags = {name: authority[name] for name in FLAGS if authority.get(name)}
    if flags:
        member.__dict__.update(flags)
        member.save(update_fields=list(flags))
    if authority.get(GROUPS):
        member.groups.set(Group.objects.filter(name__in=authority[GROUPS]))


def checked_authority(authority: Mapping[str, Any]) -> dict[str, Any]:
    """The authority as it is kept. Raises InvalidAuthorityError for what the active tenant does not know."""
    names = list(authority.get(GROUPS) or ())
    unknown = set(authority) - FLAGS - {GROUPS}
    missing = set(names) - set(Group.objects.filter(name__in=names).values_list("name", flat=True)) if names else set()
    if unknown or missing:
        raise InvalidAuthorityError(
            f"{', '.join(map(repr, sorted(unknown | missing)))} cannot be given to a member. Give is_staff, "
            "is_superuser, or groups: the names of groups of this tenant."
        )
    return {**{name: bool(authority.get(name)) for name in sorted(FLAGS)}, GROUPS: names}


def at_tenant(tenant: Any) -> tenant_context:
    """A tenant, given or active, for what its own code and the platform's may do there. Raises WrongTenantError."""
    place = active_place.get()
    if tenant is None and not place.is_tenant:
        raise NoTenantError("No tenant is active. Name the tenant, or enter it with tenant_context(alias).")
    context = tenant_context(str(place.alias) if tenant is None else tenant, switch=True, any_state=True)
    if place.is_tenant and (context.alias != place.alias or context.uuid not in (None, place.uuid)):
        raise WrongTenantError(
            f"The members of {context.alias!r} are not changed from within {place.alias!r}. Say public_context() "
            "where the platform's own code does so.",
            found=context.alias,
            expected=place.alias,
        )
    return context


def invitations() -> Any:
    """All invitations."""
    return apps.get_model("multi_tenant_users.Invitation")._base_manager.using(PUBLIC)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def key_of(row: Any) -> Any:
    """The key of a row, or of what is a key already."""
    return getattr(row, "pk", row)
