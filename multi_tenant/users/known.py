"""What a process knows of members for MEMBERSHIP_TTL seconds; members.py asks it, changes of people empty it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.db.models.signals import post_delete, post_save

from multi_tenant.conf import conf
from multi_tenant.context import public_context
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.lookup import in_transaction_of_caller

#: Persons kept in a process, each with the tenants in which it was met; one takes about 2 KiB.
MAX_PERSONS = 10_000

Identity = Mapping[str, Any]


class KnownMembers:
    """A bounded map from a person and a tenant to the identity that was read, and when."""

    def __init__(self) -> None:
        self._persons: OrderedDict[Any, dict[UUID, tuple[Identity, float]]] = OrderedDict()
        self.renew_lock()
        #: How often something was forgotten: what was read before must not be remembered after.
        self.changes = 0

    def renew_lock(self) -> None:
        """In a forked child the parent's thread that held the lock does not exist."""
        self._lock = threading.Lock()

    def recall(self, key: Any, tenant: UUID) -> Identity | None:
        """The identity of a member, if it was read within MEMBERSHIP_TTL."""
        found = self._persons.get(key, {}).get(tenant)
        return None if found is None or monotonic() - found[1] >= conf.MEMBERSHIP_TTL else found[0]

    def remember(self, key: Any, tenant: UUID, identity: Identity, *, asked: float, changes: int) -> None:
        """Keep what a read that began at ``asked``, after so many changes, has found."""
        if in_transaction_of_caller(connections[PUBLIC]):
            return  # it may be rolled back
        with self._lock:
            if changes == self.changes:
                self._persons.setdefault(key, {})[tenant] = (identity, asked)
                self._persons.move_to_end(key)
            while len(self._persons) > MAX_PERSONS:
                self._persons.popitem(last=False)

    def forget(self, key: Any) -> None:
        """Forget a person; None stands for all."""
        with self._lock:
            self.changes += 1
            self._persons.clear() if key is None else self._persons.pop(key, None)


known_members = KnownMembers()
os.register_at_fork(after_in_child=known_members.renew_lock)


def forget(key: Any = None) -> None:
    """Have this process ask again about a person whose membership or identity is being changed; None for all.

    Now, and once more when the change is committed: another thread may have read the old state in between.
    """
    known_members.forget(key)
    with public_context():
        if connections[PUBLIC].in_atomic_block:
            transaction.on_commit(partial(known_members.forget, key), using=PUBLIC)


def forget_membership(*, instance: Any, **kwargs: Any) -> None:
    """Receive changes of memberships."""
    forget(instance.user_id)


def forget_identity(*, instance: Any, using: str, **kwargs: Any) -> None:
    """Receive changes of identities."""
    if using == PUBLIC:
        forget(instance.pk)


def listen() -> None:
    """Receive the changes; called once, by the app's configuration."""
    for signal in (post_save, post_delete):
        signal.connect(forget_membership, apps.get_model("multi_tenant_users.Membership"), dispatch_uid=__name__)
        signal.connect(forget_identity, get_user_model(), dispatch_uid=__name__)
