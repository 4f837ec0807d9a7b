"""The memberships of people, as they are read and written by all that makes or ends one."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal
from django.utils import timezone

from multi_tenant.context import active_place, public_context, record_at
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.signals import member_added, member_removed


def memberships() -> Any:
    """All memberships."""
    return apps.get_model("multi_tenant_users.Membership")._base_manager.using(PUBLIC)


def tenants_of(key: Any) -> set[UUID]:
    """The tenants that a person belongs to, suspended or not."""
    with public_context():
        return set(memberships().filter(user_id=key).values_list("tenant_id", flat=True))


def begin_membership(key: Any) -> tuple[Any, bool]:
    """The person's membership of the active tenant, and whether it was made; in the caller's transaction on public."""
    tenant = active_place.get().uuid
    with public_context():
        membership, made = memberships().get_or_create(user_id=key, tenant_id=tenant)
    if made:
        tell(member_added, key)
    return membership, made


def end_membership(key: Any) -> None:
    """Delete a membership of the active tenant, in the caller's transaction on public."""
    tenant = active_place.get().uuid
    with public_context():
        found, _ = memberships().filter(user_id=key, tenant_id=tenant).delete()
    if found:
        tell(member_removed, key)


def set_active(key: Any, *, active: bool) -> None:
    """Suspend or resume a membership of the active tenant."""
    tenant = active_place.get().uuid
    with public_context(), transaction.atomic(using=PUBLIC):
        for membership in memberships().filter(user_id=key, tenant_id=tenant).exclude(is_active=active):
            membership.is_active = active
            membership.save(using=PUBLIC, update_fields=["is_active"])


def take_back_offers(*, instance: Any, **kwargs: Any) -> None:
    """Receive changes of memberships: what somebody has offered who is out, or kept out, is open no longer.

    Else who is to be removed invites another address of its own first.
    """
    if "created" in kwargs and instance.is_active:  # saved, and not deleted
        return
    with public_context():
        rows = apps.get_model("multi_tenant_users.Invitation")._base_manager.using(PUBLIC)
        mine = rows.filter(tenant_id=instance.tenant_id, invited_by=instance.user_id)
        mine.filter(accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())


def listen() -> None:
    """Receive the changes; called once, by the app's configuration."""
    for signal in (post_save, post_delete):
        signal.connect(take_back_offers, apps.get_model("multi_tenant_users.Membership"), dispatch_uid=__name__)


def tell(signal: Signal, key: Any) -> None:
    """Send a signal about a member of the active tenant, once the caller's transaction on public is over."""
    send = partial(signal.send, sender=get_user_model(), key=key, tenant=record_at(active_place.get()))
    transaction.on_commit(send, using=PUBLIC)
