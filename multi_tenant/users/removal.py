"""How a member leaves a tenant: the membership ends, the authority goes, and no row that others' rows point to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import QuerySet

from multi_tenant.context import active_place
from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.deletion import has_table
from multi_tenant.users.identity import identity_model, lock_identity
from multi_tenant.users.memberships import end_membership
from multi_tenant.variables import holding

#: Whether a member's row is being deleted in the one way that it may be.
removing: ContextVar[bool] = ContextVar("multi_tenant.users.removing", default=False)

Deleted = tuple[int, dict[str, int]]


def remove_row(member: Any) -> Deleted:
    """End a member's membership in the active tenant; answers what was deleted there, as Django's ``delete`` does."""
    with transaction.atomic(using=PUBLIC):
        lock_identity(type(member), member.pk)
        end_membership(member.pk)
        with transaction.atomic(using=active_place.get().alias):
            strip(member)
            if is_pointed_at(member):
                return 0, {}
            with removed():
                return models.Model.delete(member)


def remove_key(key: Any) -> None:
    """``remove_row`` for a person who may have no row here."""
    member = get_user_model()._base_manager.using(active_place.get().alias).filter(pk=key).first()
    if member is not None:
        remove_row(member)
        return
    with transaction.atomic(using=PUBLIC):
        lock_identity(get_user_model(), key)
        end_membership(key)


def strip(member: Any) -> None:
    """Take all authority from a member's row."""
    rows: QuerySet[Any] = QuerySet(identity_model(type(member)))
    rows.using(active_place.get().alias).filter(pk=member.pk).update(is_staff=False, is_superuser=False)
    member.is_staff = member.is_superuser = False
    member.groups.clear()
    member.user_permissions.clear()


def has_authority(member: Any) -> bool:
    """Whether a member's row may do anything."""
    flags = member.is_staff or member.is_superuser
    return bool(flags or member.groups.exists() or member.user_permissions.exists())


def is_pointed_at(member: Any) -> bool:
    """Whether rows of others point to a member's row. No new one can, until the caller's transaction ends."""
    alias = str(active_place.get().alias)
    table = identity_model(type(member))
    list(QuerySet(table).using(alias).filter(pk=member.pk).select_for_update().values_list("pk"))
    return any(rows.using(alias).exists() for rows in rows_pointing_at(member, alias))


def rows_pointing_at(member: Any, alias: str) -> Iterator[QuerySet[Any]]:
    """For each relation to users, the rows that point to this one, but for what is a part of it."""
    options = member._meta
    parts = {field.remote_field.through for field in options.many_to_many}
    parts |= {options.concrete_model, *options.get_parent_list()}
    for relation in options.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and (relation.one_to_one or relation.one_to_many):
            model = relation.related_model
            if model not in parts and has_table(alias, model):
                target = getattr(member, relation.field.foreign_related_fields[0].attname)
                yield QuerySet(model).filter(**{relation.field.attname: target})
    for field in options.private_fields:
        if hasattr(field, "bulk_related_objects"):
            yield field.bulk_related_objects([member], alias)


def refuse_cascade(*, instance: Any, using: str, **kwargs: Any) -> None:
    """Receive ``pre_delete`` of users: a member's row goes in one way alone, never along with what it points to."""
    if not removing.get() and using == active_place.get().alias and active_place.get().is_tenant:
        raise IdentityProtectedError(
            f"{instance._meta.label} {instance.pk} would be deleted along with what it points to. Remove the member "
            "first, or give the relation another on_delete."
        )


@contextmanager
def removed() -> Iterator[None]:
    """Let a member's row be deleted."""
    with holding(removing, True):
        yield
