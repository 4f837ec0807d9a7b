"""How a request that arrived on the public site goes on in a tenant; the members' middleware does it."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from django.core.exceptions import PermissionDenied

from multi_tenant.context import PUBLIC_PLACE, Place, active_place, fixed_context, refuse_unserved
from multi_tenant.exceptions import TenantUnavailableError, UnknownTenantError
from multi_tenant.middleware.visit import visit_context
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.store import store
from multi_tenant.users.binding import session_place
from multi_tenant.users.members import find_member
from multi_tenant.users.resolvers import Claim

#: What a session does with its store.
WITH_STORE = ("load", "exists", "create", "save", "delete", "cycle_key", "flush")


class onward_visit(visit_context):  # noqa: N801  # used like a function, as all contexts are
    """A visit to a tenant by a request whose session is the public site's."""

    def _enter(self, place: Place) -> None:
        super()._enter(place)
        self._session_before = session_place.get()
        session_place.set(PUBLIC_PLACE)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        session_place.set(self._session_before)
        super().__exit__(kind, exc, tb)


def enter(request: Any, answers: Iterable[Claim | str | None]) -> onward_visit | None:
    """The visit to the tenant that the first claim names; None where there is none, or it is not granted.

    Raises PermissionDenied, UnknownTenantError or TenantUnavailableError for an insisting claim, and
    RegistryUnavailableError.
    """
    for answer in answers:
        claim = Claim(answer, request.user.pk) if isinstance(answer, str) else answer
        if claim is not None:
            return grant(request, claim)
    return None


def grant(request: Any, claim: Claim) -> onward_visit | None:
    """The visit that a claim leads to; the request's user is the member from now on."""
    try:
        record = store.get(claim.alias)
        refuse_unserved(record, uuid=claim.tenant, any_state=False)
    except (UnknownTenantError, TenantUnavailableError):
        if claim.insisting:
            raise
        return None
    place = Place(record.alias, record.uuid)
    with fixed_context(place):
        member = find_member(claim.person)
    if member is not None:
        move(request, record, member)
        return onward_visit(place)
    if claim.insisting:
        raise PermissionDenied("This credential is not a member's.")
    return None


def move(request: Any, record: TenantRecord, member: Any) -> None:
    """Make a request one of a tenant's, and its user a member; the session stays where it is."""

    async def auser() -> Any:
        return member

    request.tenant, request.user, request.auser = record, member, auser
    session = getattr(request, "session", None)
    if session is not None:
        keep_where_it_is(session)


def keep_where_it_is(session: Any) -> None:
    """Have a session use its store at the active place, wherever the code runs that asks for it."""
    at_home = fixed_context(active_place.get())
    for name in (*WITH_STORE, *(f"a{name}" for name in WITH_STORE)):
        setattr(session, name, at_home(getattr(session, name)))
