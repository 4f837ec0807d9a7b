"""Every change made to simplejwt, each with its reason; installed by the app's configuration where it can be imported.

All are for simplejwt 5.5, and can go when simplejwt lets a project name the claims of every token and who
checks them. They are changes because the stock tokens, views and serializers are to be as safe as ours.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from rest_framework_simplejwt import serializers
from rest_framework_simplejwt.tokens import BlacklistMixin, Token

from multi_tenant.context import public_context
from multi_tenant.contrib.rest.claims import bind, check, check_place
from multi_tenant.contrib.rest.patches import Change
from multi_tenant.routing.homes import Home, home_of
from multi_tenant.users.identity import note_login
from multi_tenant.users.members import has_identities

BLACKLIST = "rest_framework_simplejwt.token_blacklist"


def chosen() -> Iterator[Change]:
    """The changes for the apps that are installed."""
    yield from PATCHES
    if has_identities():
        yield (serializers, "update_last_login", own_login)
    if apps.is_installed(BLACKLIST):
        yield from OF_BLACKLIST


def bind_new(original: Any) -> Any:
    """Each new token says for which place it was made; those made of a refresh token have its claim."""

    @functools.wraps(original)
    def make(self: Any, token: Any = None, verify: bool = True) -> None:
        original(self, token, verify)
        if token is None:
            bind(self)

    return make


def check_read(original: Any) -> Any:
    """No token is taken for valid at another place, by whatever view, serializer or class it is read."""

    @functools.wraps(original)
    def verify(self: Any) -> None:
        original(self)
        check(self)

    return verify


def place_first(original: Any) -> Any:
    """Another tenant's token is not looked for in this one's list, nor on a public site that has none."""

    @functools.wraps(original)
    def check_blacklist(self: Any) -> None:
        check_place(self)
        original(self)

    return check_blacklist


def own_login(original: Any) -> Any:
    """Who gets a token with ``UPDATE_LAST_LOGIN`` signs in: the person's own doing, which may change the identity."""
    return note_login


def in_public(original: Any) -> Any:
    """A list of tokens in the public database has relations to the rows of people there."""

    @functools.wraps(original)
    def listed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if home_of("token_blacklist") is not Home.SHARED:
            return original(self, *args, **kwargs)
        with public_context():
            return original(self, *args, **kwargs)

    return listed


def outstand_in_public(original: Any) -> Any:
    """The same for a new token, which is made for the active place all the same."""
    stock = original.__func__

    @functools.wraps(stock)
    def for_user(cls: Any, user: Any) -> Any:
        if home_of("token_blacklist") is not Home.SHARED:
            return stock(cls, user)
        token = super(BlacklistMixin, cls).for_user(user)
        token.outstand()
        return token

    return classmethod(for_user)


PATCHES: tuple[Change, ...] = ((Token, "__init__", bind_new), (Token, "verify", check_read))
OF_BLACKLIST: tuple[Change, ...] = (
    (BlacklistMixin, "check_blacklist", place_first),
    (BlacklistMixin, "blacklist", in_public),
    (BlacklistMixin, "outstand", in_public),
    (BlacklistMixin, "for_user", outstand_in_public),
)
