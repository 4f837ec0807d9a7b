"""What a privacy law asks for: nothing tells any more who a person was, and nothing that others made is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from multi_tenant.context import active_place, public_context
from multi_tenant.fleet.run import Outcome, run_in_each
from multi_tenant.fleet.selection import WHOLE, in_states
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.deletion import has_table
from multi_tenant.users.copies import IS_COPY
from multi_tenant.users.identity import lock_identity
from multi_tenant.users.memberships import end_membership, memberships
from multi_tenant.users.removal import strip

SESSIONS = "django.contrib.sessions"


def find_person(name: str) -> Any | None:
    """The identity of that username or that key."""
    model = get_user_model()
    with public_context():
        rows = model._base_manager.using(PUBLIC)
        found = rows.filter(**{model.USERNAME_FIELD: name}).first()
        try:
            return found or rows.filter(pk=name).first()
        except ValidationError:
            return None


def erase(identity: Any) -> Iterator[Outcome[None]]:
    """Make a person unknowable: in public at once, then in one tenant after the other, each told as it is done.

    The keys stay, and so does what points to them. A tenant that fails keeps its membership, and another call goes on.
    """
    forget_person(identity)
    yield from run_in_each(in_states(WHOLE), lambda tenant: forget_member(identity.pk), any_state=True)
    with public_context(), transaction.atomic(using=PUBLIC):
        gone = memberships().filter(user_id=identity.pk, tenant__state="deleted")
        gone.delete()


def forget_person(identity: Any) -> None:
    """Make the public row unknowable, take the platform's authority from it, and its sessions and invitations."""
    with public_context(), transaction.atomic(using=PUBLIC):
        row = lock_identity(get_user_model(), identity.pk)
        if row is None:
            return
        invitations = apps.get_model("multi_tenant_users.Invitation")._base_manager.using(PUBLIC)
        invitations.filter(email__iexact=row.email or None).delete()
        mine = invitations.filter(invited_by=row.pk)
        mine.filter(accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())
        mine.update(invited_by=None)
        row.anonymise()
        row.is_staff = row.is_superuser = False
        row.save(using=PUBLIC)
        row.groups.clear()
        row.user_permissions.clear()
        end_sessions(row.pk)


def forget_member(key: Any) -> None:
    """Make a person's row in the active tenant unknowable, and end the membership and the sessions there."""
    alias = active_place.get().alias
    with transaction.atomic(using=PUBLIC):
        lock_identity(get_user_model(), key)
        end_membership(key)
        with transaction.atomic(using=alias):
            row = get_user_model()._base_manager.using(alias).filter(pk=key).first()
            if row is not None:
                row.anonymise()
                row.__dict__[IS_COPY] = True
                row.save(using=alias)
                strip(row)
            end_sessions(key)


def end_sessions(key: Any) -> None:
    """Delete a person's sessions from the active place's database, if they are kept in it.

    Wherever else sessions are kept, they are worth nothing: the identity has no password any more.
    """
    alias = str(active_place.get().alias)
    if not apps.is_installed(SESSIONS) or not has_table(alias, apps.get_model("sessions.Session")):
        return
    rows = apps.get_model("sessions.Session")._default_manager.using(alias)
    mine = [row.pk for row in rows.iterator() if row.get_decoded().get(SESSION_KEY) == str(key)]
    rows.filter(pk__in=mine).delete()
