"""Who a person is, everywhere: the fields of the public row, how a member shows them, and who may change them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import update_last_login
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, UniqueConstraint

from multi_tenant.context import active_place, public_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.middleware.visit import visiting
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.memberships import tenants_of
from multi_tenant.users.public import read_public
from multi_tenant.variables import holding

#: Under which Django connects what notes a login.
LAST_LOGIN_RECEIVER = "update_last_login"
#: What a member row has for a password: no hash of anything.
NO_PASSWORD = "!"  # noqa: S105
#: The attribute of a user that holds the identity's values as they were when it was loaded.
KNOWN = "_known_identity"
#: Keys of the persons whose own doing the running code is.
acting: ContextVar[frozenset[UUID]] = ContextVar("multi_tenant.users.acting", default=frozenset())
#: Whether the running code is where people sign up.
signing_up: ContextVar[bool] = ContextVar("multi_tenant.users.signing_up", default=False)


@contextmanager
def own_identity(user: Any) -> Iterator[None]:
    """Let a person change who they are, in a tenant as anywhere: for a view in which one edits one's own profile.

    Whoever calls this vouches that ``user`` is the person who asked, and not somebody whom the person may edit.
    """
    with holding(acting, acting.get() | {user.pk}):
        yield


@contextmanager
def sign_up() -> Iterator[None]:
    """Let a request in a tenant make people: for the view in which visitors make an account of their own.

    Elsewhere a request makes nobody, as the answer to a name that is taken would tell that somebody has it.
    """
    with holding(signing_up, True):
        yield


def may_make_people() -> bool:
    """Whether new people, and new names, may be made here and now."""
    return signing_up.get() or not visiting.get()


def note_login(sender: Any, user: Any, **kwargs: Any) -> None:
    """Receive ``user_logged_in`` in place of Django's receiver."""
    with own_identity(user):
        update_last_login(sender, user, **kwargs)


def identity_model(model: Any) -> Any:
    """The model whose own table has the identity's columns: not a proxy of it, nor one that extends it."""
    return model._meta.get_field("password").model


def identity_columns(model: Any) -> tuple[str, ...]:
    """The attributes of a user that hold the identity's values."""
    return find_identity_columns(model)


@functools.cache
def find_identity_columns(model: Any) -> tuple[str, ...]:
    """The same, worked out once: it is asked for each row that is loaded."""
    return tuple(model._meta.get_field(name).attname for name in model.IDENTITY_FIELDS)


def identity_values(user: Any) -> dict[str, Any]:
    """The values of a user's identity fields that are loaded, by attribute."""
    return {name: user.__dict__[name] for name in identity_columns(type(user)) if name in user.__dict__}


def overlay(member: Any, identity: Mapping[str, Any]) -> None:
    """Show the identity's values on a member; they count as unchanged."""
    member.__dict__.update(identity)
    member.__dict__[KNOWN] = {**member.__dict__.get(KNOWN, {}), **identity}


def show_identity(user: Any) -> None:
    """Have a member row, as a tenant's queries answer it, show its identity too; what was set on it stays.

    Raises RegistryUnavailableError when the public database is away.
    """
    if not is_copy(user):
        return
    rows = identity_model(type(user))._base_manager.using(PUBLIC)
    identity = read_public(lambda: rows.filter(pk=user.pk).values(*identity_columns(type(user))).first())
    if identity is not None:
        changes = changed_fields(user, None)
        overlay(user, identity)
        user.__dict__.update(changes)


def is_copy(user: Any) -> bool:
    """Whether a user shows what the tenant's row has, and not its identity."""
    return user.__dict__.get("password") == NO_PASSWORD and user._state.db not in (None, PUBLIC)


def lock_identity(model: Any, key: Any) -> Any | None:
    """The public row of a person, kept from others until the caller's transaction on public ends.

    All that is written of a person and its memberships comes after this, so that two writers take turns.
    """
    rows: QuerySet[Any] = QuerySet(identity_model(model)).using(PUBLIC).filter(pk=key)
    with public_context():
        if transaction.get_connection(PUBLIC).features.has_select_for_update:
            return rows.select_for_update().first()
        rows.update(is_active=F("is_active"))  # SQLite's way: whoever writes first has the database
        return rows.first()


def changed_fields(user: Any, among: Iterable[str] | None) -> dict[str, Any]:
    """The identity fields that were given other values since the user was loaded; ``among`` is a save's choice."""
    known: Mapping[str, Any] = user.__dict__.get(KNOWN, {})
    names = None if among is None else columns_among(type(user), among)
    return {
        name: value
        for name, value in identity_values(user).items()
        if (names is None or name in names) and not (name in known and is_same(known[name], value))
    }


def columns_among(model: Any, names: Iterable[str]) -> set[str]:
    """The attributes of those of a model's columns that are named in either way; other names count for nothing."""
    wanted = set(names)
    return {field.attname for field in model._meta.concrete_fields if wanted & {field.name, field.attname}}


def is_same(known: Any, value: Any) -> bool:
    """Whether a value is the one that was loaded; forms cut a moment off at the second, JSON at the thousandth."""
    if isinstance(known, datetime) and isinstance(value, datetime):
        return value in {known.replace(microsecond=known.microsecond // unit * unit) for unit in (1, 1_000, 1_000_000)}
    return bool(known == value)


def write_identity(member: Any, changes: Mapping[str, Any]) -> None:
    """Write changes that were made on a member, in its tenant, to the public row, in the caller's transaction there.

    Raises IdentityProtectedError.
    """
    model, here = type(member), active_place.get().uuid
    row = lock_identity(model, member.pk)
    with public_context():
        if row is None or not may_change(row, here, changes):
            raise IdentityProtectedError(
                f"{', '.join(sorted(changes))} of {model._meta.label} {member.pk} belong to a person who may be known "
                "elsewhere too, and are not changed from within a tenant. The person may change them, in Django's own "
                "password views or under own_identity(user)."
            )
        for name, value in changes.items():
            setattr(row, name, value)
        save_identity(row, changes)
    written = {name: row.__dict__[name] for name in changes}  # expressions have become values
    member.__dict__.update(written)
    member.__dict__[KNOWN] = {**member.__dict__.get(KNOWN, {}), **written}


def save_identity(row: Any, changes: Mapping[str, Any]) -> None:
    """Save these columns of a public row. Raises IdentityProtectedError for a name that somebody has."""
    try:
        with transaction.atomic(using=PUBLIC):
            row.save(using=PUBLIC, update_fields=list(changes))
    except IntegrityError:
        if telling_columns(type(row)).isdisjoint(changes):
            raise
        raise taken(type(row)) from None  # the database's own words tell what is taken
    if any(hasattr(value, "resolve_expression") for value in changes.values()):
        row.refresh_from_db(fields=list(changes))


def taken(model: Any) -> IdentityProtectedError:
    """The error for a person who cannot be made, or renamed, from within a tenant; it does not tell why."""
    return IdentityProtectedError(
        f"This {model._meta.label} cannot be made or renamed from within a tenant. Somebody who may have an account is "
        "invited with invite(); a view in which visitors make their own says sign_up()."
    )


def unique_columns(model: Any) -> frozenset[str]:
    """The attributes of the identity that no two persons share."""
    return frozenset(name for name in identity_columns(model) if model._meta.get_field(name).unique)


def telling_columns(model: Any) -> set[str]:
    """The attributes of the identity whose values, when they are refused, tell that somebody has them."""
    told = set(unique_columns(model))
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            found = {path[0] for each in constraint.expressions for path in model._get_expr_references(each)}
            told |= columns_among(model, {*constraint.fields, *found})
    for fields in model._meta.unique_together:
        told |= columns_among(model, fields)
    return told & set(identity_columns(model))


def may_change(row: Any, here: UUID | None, changes: Mapping[str, Any]) -> bool:
    """Whether the running code may change an identity, given by its public row, from within a tenant."""
    if row.pk in acting.get():
        return True
    if not row.is_active:
        return False  # whom the platform keeps out is nobody that a tenant could bring back
    if has_platform_authority(row) or not (may_make_people() or telling_columns(type(row)).isdisjoint(changes)):
        return False
    return tenants_of(row.pk) == {here}


def has_platform_authority(row: Any) -> bool:
    """Whether a public row may do anything on the platform."""
    with public_context():
        return bool(row.is_staff or row.is_superuser or row.groups.exists() or row.user_permissions.exists())
