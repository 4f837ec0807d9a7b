"""The copies of identities in a tenant's rows: made, and brought up to date, by joining, by sign-in and by repairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet

from multi_tenant.context import active_place
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.identity import NO_PASSWORD, identity_columns, identity_model, unique_columns

#: Identity fields of which a tenant has no copy.
NOT_COPIED = frozenset({"password", "last_login"})
#: The attribute of a user that is saved as it is, a copy that this package made; gone when that is done.
IS_COPY = "_is_copy_of_identity"

Values = Mapping[str, Any]


def make_row(key: Any, identity: Values, **authority: Any) -> Any:
    """Make the row, in the active tenant, of a person who has none there; receivers of ``post_save`` are told."""
    model = get_user_model()
    table = identity_model(model)
    with transaction.atomic(using=active_place.get().alias):
        make_way(table, key, identity)
        member: Any = model(pk=key, **{name: identity[name] for name in copied_columns(table)}, **authority)
        member.password = NO_PASSWORD
        member.__dict__[IS_COPY] = True
        member.save(force_insert=True)
    return member


def refresh_row(member: Any, identity: Values) -> bool:
    """Have a member's row hold what the identity says; answers whether anything differed. ``member`` shows it, too."""
    table = identity_model(type(member))
    stale = {name: identity[name] for name in copied_columns(table) if member.__dict__.get(name) != identity[name]}
    if stale:
        refresh_rows(table, {member.pk: identity})
        member.__dict__.update(stale)
    return bool(stale)


def refresh_rows(table: Any, identities: Mapping[Any, Values]) -> int:
    """Have the active tenant's rows of these persons hold what their identities say; answers how many differed.

    People may have swapped names since: whoever holds a value that is another's by now is brought up to date as well.
    """
    with transaction.atomic(using=active_place.get().alias):
        stale = stale_rows(table, identities)
        write_rows(table, {**stale, **holders_of(table, stale)})
    return len(stale)


def make_way(table: Any, key: Any, values: Values) -> None:
    """Bring those rows of the active tenant up to date that hold a value which is this person's by now."""
    wanted = {name: values[name] for name in unique_columns(table) if name in values}
    holders = holders_of(table, {key: wanted})
    if holders:
        write_rows(table, {key: wanted, **holders})


def write_rows(table: Any, crowd: Mapping[Any, Values]) -> None:
    """Write these values; several rows let go of what they have first, as one may have what another is to have."""
    if len(crowd) > 1:
        for key, values in crowd.items():
            free = {name: value for name, value in placeholders(table, key).items() if name in values}
            rows_of(table).filter(pk=key).update(**free)
    for key, values in crowd.items():
        rows_of(table).filter(pk=key).update(**values)


def stale_rows(table: Any, identities: Mapping[Any, Values]) -> dict[Any, dict[str, Any]]:
    """By key, the identity's values of those rows of the active tenant that hold others."""
    names = copied_columns(table)
    stale = {}
    for row in rows_of(table).filter(pk__in=list(identities)).values("pk", *names):
        wanted = {name: identities[row["pk"]][name] for name in names}
        if any(row[name] != value for name, value in wanted.items()):
            stale[row["pk"]] = wanted
    return stale


def holders_of(table: Any, wanted: Mapping[Any, Values]) -> dict[Any, dict[str, Any]]:
    """By key, the identity's values of all further rows that hold unique values which others are to have.

    A row whose person is gone from public gets placeholders.
    """
    found: dict[Any, dict[str, Any]] = {}
    fresh = dict(wanted)
    while fresh:
        held = Q(pk__in=[])
        for name in unique_columns(table):
            held |= Q(**{f"{name}__in": [values[name] for values in fresh.values() if values.get(name) is not None]})
        keys = set(rows_of(table).filter(held).values_list("pk", flat=True)) - wanted.keys() - found.keys()
        fresh = {key: placeholders(table, key) for key in keys}
        fresh.update(identities_of(table, keys))
        found.update(fresh)
    return found


def identities_of(table: Any, keys: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    """What a copy holds of each of these persons, by key."""
    rows: QuerySet[Any] = QuerySet(table).using(PUBLIC).filter(pk__in=list(keys))
    return {row.pop("pk"): row for row in rows.values("pk", *copied_columns(table))}


def placeholders(table: Any, key: Any) -> dict[str, Any]:
    """Values that nobody else has, for the columns that no two rows may share."""
    fields = [field for field in table._meta.local_concrete_fields if field.attname in unique_columns(table)]
    return {field.attname: None if field.null else f"~{key.hex}"[: field.max_length] for field in fields}


def copied_columns(table: Any) -> list[str]:
    """The attributes of the identity of which a tenant's row has a copy."""
    return [name for name in identity_columns(table) if name not in NOT_COPIED]


def rows_of(table: Any) -> QuerySet[Any]:
    """The active tenant's rows, as a queryset that writes what it is told."""
    return QuerySet(table).using(active_place.get().alias)
