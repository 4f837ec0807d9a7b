"""How a member's row is written in its tenant: identity to public first and under guard, the rest here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import transaction

from multi_tenant.context import active_place, public_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.identity import KNOWN, NO_PASSWORD, changed_fields, identity_values, write_identity

#: Writes the row, with the names of the fields to write if not all.
Write = Callable[..., Any]
#: Identity fields of which a tenant has no copy.
NOT_COPIED = frozenset({"password", "last_login"})


def save_member_row(member: Any, write: Write, update_fields: frozenset[str] | None) -> bool:
    """Save a row that is there: what was changed of the identity goes to public, and the rest is the tenant's own."""
    changes = changed_fields(member, update_fields)
    if changes:
        write_identity(member, changes)
    names = {field.name for field in member._meta.local_concrete_fields if not field.primary_key}
    chosen = names if update_fields is None else names & set(update_fields)
    here = (chosen - set(member.IDENTITY_FIELDS)) | (changes.keys() - NOT_COPIED)
    return bool(write(update_fields=frozenset(here))) if here else True


def add_member_row(member: Any, write: Write, update_fields: frozenset[str] | None) -> bool:
    """Add a new person, who is made in public first, with a membership here. Raises IdentityProtectedError."""
    model, here = type(member), active_place.get().uuid
    if here is None:
        raise IdentityProtectedError("A database that is being made has no members. Add them when its tenant is there.")
    with public_context(), transaction.atomic(using=PUBLIC):
        rows = model._base_manager.using(PUBLIC)
        name = {model.USERNAME_FIELD: getattr(member, model.USERNAME_FIELD)}
        if rows.filter(pk=member.pk).exists() or rows.filter(**name).exists():
            raise IdentityProtectedError(
                f"This {model._meta.label} cannot be made from within a tenant. Invite the person with invite()."
            )
        model(pk=member.pk, **identity_values(member)).save(using=PUBLIC, force_insert=True)
        membership = apps.get_model("multi_tenant_users.Membership")
        membership._base_manager.using(PUBLIC).create(user_id=member.pk, tenant_id=here)
    setattr(member, KNOWN, identity_values(member))
    with without_password(member):
        return bool(write(force_insert=True))


@contextmanager
def without_password(member: Any) -> Iterator[None]:
    """Write a member's row with nothing in its columns for what only the identity has."""
    kept = {name: member.__dict__[name] for name in NOT_COPIED}
    member.__dict__.update(password=NO_PASSWORD, last_login=None)
    try:
        yield
    finally:
        member.__dict__.update(kept)
