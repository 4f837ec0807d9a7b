"""Who a person is, everywhere: the fields of the public row, how a member shows them, and who may change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.contrib.auth.models import update_last_login
from django.db import transaction

from multi_tenant.context import active_place, public_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.public import read_public

#: Under which Django connects what notes a login.
LAST_LOGIN_RECEIVER = "update_last_login"
#: What a member row has for a password: no hash of anything.
NO_PASSWORD = "!"  # noqa: S105
#: The attribute of a user that holds the identity's values as they were when it was loaded.
KNOWN = "_known_identity"
#: Keys of the persons whose own doing the running code is.
acting: ContextVar[frozenset[UUID]] = ContextVar("multi_tenant.users.acting", default=frozenset())


@contextmanager
def own_identity(user: Any) -> Iterator[None]:
    """Let a person change who they are, in a tenant as anywhere: for a view in which one edits one's own profile.

    Whoever calls this vouches that ``user`` is the person who asked, and not somebody whom the person may edit.
    """
    before = acting.get()
    acting.set(before | {user.pk})
    try:
        yield
    finally:
        acting.set(before)


def note_login(sender: Any, user: Any, **kwargs: Any) -> None:
    """Receive ``user_logged_in`` in place of Django's receiver."""
    with own_identity(user):
        update_last_login(sender, user, **kwargs)


def identity_values(user: Any) -> dict[str, Any]:
    """The values of a user's identity fields that are loaded, by name."""
    deferred = user.get_deferred_fields()
    return {name: user.__dict__[name] for name in user.IDENTITY_FIELDS if name not in deferred}


def overlay(member: Any, identity: Mapping[str, Any]) -> None:
    """Show the identity's values on a member; they count as unchanged."""
    member.__dict__.update(identity)
    setattr(member, KNOWN, dict(identity))


def show_identity(user: Any) -> None:
    """Have a member row, as a tenant's queries answer it, show its identity too; what was set on it stays.

    Raises RegistryUnavailableError when the public database is away.
    """
    if user.__dict__.get("password") != NO_PASSWORD or user._state.db in (None, PUBLIC):
        return
    rows = type(user)._base_manager.using(PUBLIC)
    identity = read_public(lambda: rows.filter(pk=user.pk).values(*user.IDENTITY_FIELDS).first())
    if identity is not None:
        changes = changed_fields(user, None)
        overlay(user, identity)
        user.__dict__.update(changes)


def changed_fields(user: Any, among: Iterable[str] | None) -> dict[str, Any]:
    """The identity fields that were given other values since the user was loaded; ``among`` is a save's choice."""
    known: Mapping[str, Any] = getattr(user, KNOWN, {})
    chosen = None if among is None else set(among)
    return {
        name: value
        for name, value in identity_values(user).items()
        if (chosen is None or name in chosen) and (name not in known or known[name] != value)
    }


def write_identity(member: Any, changes: Mapping[str, Any]) -> None:
    """Write changes that were made on a member, in its tenant, to the public row. Raises IdentityProtectedError."""
    model, here = type(member), active_place.get().uuid
    with public_context(), transaction.atomic(using=PUBLIC):
        row = model._base_manager.using(PUBLIC).select_for_update().filter(pk=member.pk).first()
        if row is None or not may_change(row, here):
            raise IdentityProtectedError(
                f"{', '.join(sorted(changes))} of {model._meta.label} {member.pk} belong to a person who is known "
                "elsewhere too, and are not changed from within a tenant. The person may change them, in Django's own "
                "password views or under own_identity(user)."
            )
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(using=PUBLIC, update_fields=list(changes))
    getattr(member, KNOWN).update(changes)


def may_change(row: Any, here: UUID | None) -> bool:
    """Whether the running code may change an identity, given by its public row, from within a tenant."""
    if row.pk in acting.get():
        return True
    if row.is_staff or row.is_superuser:
        return False
    tenants = set(row.memberships.using(PUBLIC).values_list("tenant_id", flat=True))
    return tenants == {here}
