"""Django's own views of passwords in a tenant: who gets a link by mail, and that a person changes its own identity.

The patches put these in the place of Django's methods.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any
from unicodedata import normalize

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sites.requests import RequestSite

from multi_tenant.context import active_place
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.identity import own_identity
from multi_tenant.users.members import checked, find_member, has_identities
from multi_tenant.users.public import read_public


def find_by_identity(original: Any) -> Any:
    """In a tenant, whom a link is mailed to is said by the identities of its active members, not by copies of them."""

    @functools.wraps(original)
    def get_users(self: Any, email: str) -> Iterable[Any]:
        place = active_place.get()
        if not place.is_tenant or not has_identities():
            return original(self, email)  # type: ignore[no-any-return]  # Django's own
        keys = read_public(lambda: keys_with_email(email, place.uuid))
        members = [member for member in map(find_member, keys) if member is not None]
        field = get_user_model().get_email_field_name()
        return [one for one in members if one.has_usable_password() and is_same(email, getattr(one, field))]

    return get_users


def name_host(original: Any) -> Any:
    """In a tenant, a link leads to the host that it was asked for at, whatever the site is called there.

    Whoever edits the tenant's row of ``django.contrib.sites`` would have members' links lead to a page of its own.
    """

    @functools.wraps(original)
    def get_current_site(request: Any) -> Any:
        if request is None or not active_place.get().is_tenant or not has_identities():
            return original(request)
        return RequestSite(request)

    return get_current_site


def keys_with_email(email: str, tenant: Any) -> list[Any]:
    """Keys of the active members of a tenant who have an address, as the database compares them."""
    rows = apps.get_model("multi_tenant_users.Membership")._base_manager.using(PUBLIC)
    wanted = {f"user__{get_user_model().get_email_field_name()}__iexact": email}
    return list(rows.filter(tenant_id=tenant, is_active=True, **wanted).values_list("user_id", flat=True))


def is_same(one: str, other: str) -> bool:
    """Whether two addresses differ in nothing but case; databases think so of some that look alike, too."""
    return normalize("NFKC", one).casefold() == normalize("NFKC", other).casefold()


def answer_member(original: Any) -> Any:
    """A link that was mailed to a member is followed by a member."""

    @functools.wraps(original)
    def get_user(self: Any, uidb64: str) -> Any:
        user = original(self, uidb64)
        return checked(user) if active_place.get().is_tenant else user

    return get_user


def save_as_visitor(original: Any) -> Any:
    """Who is signed in changes its own password, and nobody else's."""

    @functools.wraps(original)
    def form_valid(self: Any, form: Any) -> Any:
        with own_identity(self.request.user):
            return original(self, form)

    return form_valid


def save_as_addressee(original: Any) -> Any:
    """Who has followed the link is who it was mailed to."""

    @functools.wraps(original)
    def form_valid(self: Any, form: Any) -> Any:
        with own_identity(self.user):
            return original(self, form)

    return form_valid
