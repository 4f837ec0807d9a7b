"""How a member's row is written in its tenant: identity to public first and under guard, the rest here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from multi_tenant.context import active_place, public_context
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.middleware.visit import visiting
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.copies import IS_COPY, NOT_COPIED, make_way
from multi_tenant.users.identity import (
    KNOWN,
    NO_PASSWORD,
    changed_fields,
    columns_among,
    has_platform_authority,
    identity_columns,
    identity_values,
    lock_identity,
    may_make_people,
    taken,
    telling_columns,
    unique_columns,
    write_identity,
)
from multi_tenant.users.memberships import begin_membership, tenants_of

#: Writes the row: all of it by INSERT, or the columns that are named.
Write = Callable[..., Any]


def write_member_row(member: Any, table: Any, write: Write, update_fields: frozenset[str] | None, *, raw: bool) -> bool:
    """Write a row of the identity's table in a tenant; answers whether it was there, as Django asks.

    ``raw`` is how ``loaddata`` writes. Raises IdentityProtectedError.
    """
    if member.__dict__.pop(IS_COPY, False):
        return bool(write())
    if not member._state.adding:
        return save_member_row(member, table, write, update_fields)
    if active_place.get().uuid is None:
        raise IdentityProtectedError("A database that is being made has no members. Add them when its tenant is there.")
    with transaction.atomic(using=PUBLIC):
        if raw and is_known_here(member, table):
            return load_member_row(member, table, write)
        return add_member_row(member, table, write)


def save_member_row(member: Any, table: Any, write: Write, update_fields: frozenset[str] | None) -> bool:
    """Save a row that is there: what was changed of the identity goes to public, and the rest is the tenant's own."""
    changes = changed_fields(member, update_fields)
    names = {field.attname for field in table._meta.local_concrete_fields if not field.primary_key}
    chosen = names if update_fields is None else names & columns_among(table, update_fields)
    own = chosen - set(identity_columns(table))
    if not changes:
        return write_here(write, own)
    with transaction.atomic(using=PUBLIC):
        write_identity(member, changes)
        make_way(table, key_of(member, table), {name: member.__dict__[name] for name in changes})
        return write_here(write, own | (changes.keys() - NOT_COPIED))


def write_here(write: Write, columns: set[str]) -> bool:
    """Write these columns of a row in the tenant, if there are any."""
    return bool(write(update_fields=frozenset(columns))) if columns else True


def add_member_row(member: Any, table: Any, write: Write) -> bool:
    """Add a new person, who is made in public first, with a membership here."""
    if not may_make_people():
        raise taken(table)
    make_identity(member, table)
    member.__dict__[KNOWN] = identity_values(member)
    make_way(table, key_of(member, table), member.__dict__)
    with without_password(member):
        return bool(write(force_insert=True))


def make_identity(member: Any, table: Any) -> None:
    """Make a new person's public row and membership, or take up those that an earlier try left without a row here."""
    values = identity_values(member)
    try:
        with transaction.atomic(using=PUBLIC), public_context():
            table(pk=key_of(member, table), **values).save(using=PUBLIC, force_insert=True)
    except IntegrityError:
        left = find_left(member, table)
        if left is None:
            if has_namesake(member, table):
                raise taken(table) from None  # the database's own words tell what is taken
            raise
        with public_context():
            table._base_manager.using(PUBLIC).filter(pk=left).update(**values)
        setattr(member, table._meta.pk.attname, left)
    else:
        begin_membership(key_of(member, table))


def find_left(member: Any, table: Any) -> Any | None:
    """The key of a namesake who was made for this tenant alone, and whose row here was rolled back or never written.

    Nobody for a visitor who signs up: it may be somebody else who wants the name, and would get the account.
    """
    if visiting.get():
        return None
    name = {table.USERNAME_FIELD: getattr(member, table.USERNAME_FIELD)}
    key = identities(table).filter(**name).values_list("pk", flat=True).first()
    row = None if key is None else lock_identity(table, key)
    if row is None or tenants_of(key) != {active_place.get().uuid} or has_platform_authority(row):
        return None
    return None if has_row_here(table, key) else key


def has_namesake(member: Any, table: Any) -> bool:
    """Whether somebody has the key, or one of the values that no two persons share; a constraint may hide it."""
    if telling_columns(table) != unique_columns(table):
        return True
    shared = ({name: member.__dict__[name]} for name in unique_columns(table))
    conditions = ({"pk": key_of(member, table)}, *shared)
    return any(identities(table).filter(**condition).exists() for condition in conditions)


def is_known_here(member: Any, table: Any) -> bool:
    """Whether a row that is loaded is that of a person with a membership here."""
    key = key_of(member, table)
    return lock_identity(table, key) is not None and active_place.get().uuid in tenants_of(key)


def load_member_row(member: Any, table: Any, write: Write) -> bool:
    """Load a fixture's row over that of a member; what a copy does not have is not a change."""
    key = key_of(member, table)
    identity = identity_values(lock_identity(table, key))
    absent = {"password": NO_PASSWORD, "last_login": None}
    given = member.__dict__
    given.update({name: identity[name] for name, value in absent.items() if given.get(name) == value})
    given[KNOWN] = identity
    if has_row_here(table, key):
        return save_member_row(member, table, write, None)
    changes = changed_fields(member, None)
    if changes:
        write_identity(member, changes)
    make_way(table, key, given)
    with without_password(member):
        return bool(write(force_insert=True))


def identities(table: Any) -> Any:
    """All public rows."""
    return QuerySet(table).using(PUBLIC)


def key_of(member: Any, table: Any) -> Any:
    """The key of a member's row; a model that extends the table has a key of its own, which comes later."""
    return getattr(member, table._meta.pk.attname)


def has_row_here(table: Any, key: Any) -> bool:
    """Whether the active tenant has a row of that key."""
    return bool(QuerySet(table).using(active_place.get().alias).filter(pk=key).exists())


@contextmanager
def without_password(member: Any) -> Iterator[None]:
    """Write a member's row with nothing in its columns for what only the identity has."""
    kept = {name: member.__dict__[name] for name in NOT_COPIED}
    member.__dict__.update(password=NO_PASSWORD, last_login=None)
    try:
        yield
    finally:
        member.__dict__.update(kept)


@contextmanager
def kept_usable(member: Any) -> Iterator[None]:
    """Keep the caller's block on the tenant as it is when a save is refused: nothing was written there yet.

    Django gives up a block in which a save has failed, and whoever catches the refusal could not go on.
    """
    place = active_place.get()
    connection = None if place.uuid is None else transaction.get_connection(place.alias)
    gone = connection is not None and connection.needs_rollback
    try:
        yield
    except IdentityProtectedError:
        if connection is not None and connection.in_atomic_block and not member._meta.parents:
            connection.needs_rollback = gone
        raise
