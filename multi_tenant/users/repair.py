"""A tenant's member rows, made to agree with what the public database says of its members; done by `sync_members`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from multi_tenant.context import active_place, public_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.copies import make_row, placeholders, refresh_rows
from multi_tenant.users.identity import identity_model, identity_values, lock_identity
from multi_tenant.users.memberships import memberships, tenants_of
from multi_tenant.users.removal import has_authority, strip

#: Members that are read at a time.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was done in one tenant: rows ``made``, copies ``refreshed``, and rows ``stripped`` of authority."""

    made: int
    refreshed: int
    stripped: int


def sync_members() -> Repairs:
    """Repair the active tenant's member rows.

    Members without a row get one, as a process may have been killed between the two databases. Copies are brought up to
    date. Whoever has a row and no membership loses all authority; nobody loses a row.
    """
    made = refreshed = 0
    for batch in batches():
        refreshed += refresh_rows(identity_model(get_user_model()), batch)
        for key in batch.keys() - keys_here(batch):
            made += restore_row(key) is not None
    return Repairs(made, refreshed, strip_strangers())


def restore_row(key: Any) -> Any | None:
    """The row of a member of the active tenant, made if it is not there; None for who is no member."""
    model, place = get_user_model(), active_place.get()
    with transaction.atomic(using=PUBLIC):
        identity = lock_identity(model, key)
        if identity is None or place.uuid not in tenants_of(key):
            return None
        row = model._base_manager.using(place.alias).filter(pk=key).first()
        return make_row(key, identity_values(identity)) if row is None else row


def batches() -> Iterator[dict[Any, dict[str, Any]]]:
    """The identities' values of the active tenant's members by key, some at a time."""
    tenant = active_place.get().uuid
    with public_context():
        members = memberships().filter(tenant_id=tenant).order_by("pk").values_list("user_id", flat=True)
        keys = iter(list(members))
    while some := list(islice(keys, BATCH)):
        with public_context():
            rows = get_user_model()._base_manager.using(PUBLIC).filter(pk__in=some)
            batch = {row.pk: identity_values(row) for row in rows}
        yield batch


def keys_here(keys: Any) -> set[Any]:
    """Which of the keys have a row in the active tenant."""
    rows: QuerySet[Any] = QuerySet(identity_model(get_user_model()))
    return set(rows.using(active_place.get().alias).filter(pk__in=list(keys)).values_list("pk", flat=True))


def strip_strangers() -> int:
    """Take the authority from rows without a membership; answers from how many."""
    model, place = get_user_model(), active_place.get()
    stripped = 0
    for key in strangers():
        with transaction.atomic(using=PUBLIC):
            is_there = lock_identity(model, key) is not None or is_being_made(key)
            if is_there and place.uuid in tenants_of(key):  # who was joining just now
                continue
            row = model._base_manager.using(place.alias).filter(pk=key).first()
            if row is not None and has_authority(row):
                with transaction.atomic(using=place.alias):
                    strip(row)
                stripped += 1
    return stripped


def strangers() -> list[Any]:
    """The keys of the active tenant's rows whose persons are not its members."""
    place = active_place.get()
    rows: QuerySet[Any] = QuerySet(identity_model(get_user_model()))
    keys = list(rows.using(place.alias).values_list("pk", flat=True))
    with public_context():
        members = set(memberships().filter(tenant_id=place.uuid).values_list("user_id", flat=True))
    return [key for key in keys if key not in members]


def is_being_made(key: Any) -> bool:
    """Whether a person whom public did not have a moment ago is there by now; waits for whoever is at it."""
    table = identity_model(get_user_model())
    probe = table(pk=key, **placeholders(table, key))
    rows: QuerySet[Any] = QuerySet(table)
    try:
        with transaction.atomic(using=PUBLIC), public_context():
            rows.using(PUBLIC).bulk_create([probe])
            transaction.set_rollback(True, using=PUBLIC)
    except IntegrityError:
        return True
    return False
