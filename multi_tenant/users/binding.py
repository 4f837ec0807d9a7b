"""What outlives a request is bound to the tenant it was made in: sessions, links by mail and signed cookies.

The patches put these in the place of Django's own methods. On the public site nothing is changed, so that what was
issued before there were tenants goes on.
"""

from __future__ import annotations

import functools
from base64 import b32encode
from contextvars import ContextVar
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes

from multi_tenant.conf import SessionScope, conf
from multi_tenant.context import Place, active_place
from multi_tenant.users.identity import show_identity

#: The length of a session's key as Django makes it. What a tenant's has besides fills the column of Django's table.
RANDOM_LENGTH = 32
#: Where the session of the running request is from, if the request has gone from there to a tenant.
session_place: ContextVar[Place | None] = ContextVar("multi_tenant.users.session_place", default=None)


def binding() -> str:
    """What things made here are bound to: the tenant's uuid, nothing on the public site."""
    return binding_of(active_place.get())


def binding_of(place: Place) -> str:
    """What things made at a place are bound to; a database that no tenant has yet has things of its own."""
    return str(place.uuid or place.alias) if place.is_tenant else ""


def session_binding() -> str:
    """What the running request's session is bound to; nothing, where one sign-in is for all."""
    if conf.SESSION_SCOPE is SessionScope.SITE:
        return ""
    return binding_of(session_place.get() or active_place.get())


def session_tag() -> str:
    """What the keys of sessions made here end with. It names the tenant, and is no secret."""
    bound = session_binding()
    return b32encode(sha256(bound.encode()).digest()[:5]).decode().lower() if bound else ""


def bound_hash(found: str, secret: Any) -> str:
    """The hash of a session of somebody's, as Django makes it, bound to where the session is."""
    bound = session_binding()
    if not bound:
        return found
    return salted_hmac("multi_tenant.users.session", f"{found}{bound}", secret=secret, algorithm="sha256").hexdigest()


def has_random_key(session: SessionBase) -> bool:
    """Whether a session's key is a random text that leads to its contents, and not the contents themselves."""
    return type(session)._get_session_key is SessionBase._get_session_key


def check_tag(original: Any) -> Any:
    """A key that was made elsewhere is no key: the session is a new one, and that of the other place is not touched."""

    @functools.wraps(original)
    def _validate_session_key(self: Any, key: Any) -> Any:
        return original(self, key) and (not has_random_key(self) or is_from_here(key))

    return _validate_session_key


def is_from_here(key: str) -> bool:
    """Whether the key of a session has the tag of the place; on the public site, whether it has none."""
    if conf.SESSION_SCOPE is SessionScope.SITE:
        return True
    tag = session_tag()
    return key.endswith(tag) and (len(key) > RANDOM_LENGTH) is bool(tag)


def is_readable(session: SessionBase, key: str) -> bool:
    """Whether a key may lead to a session of this place; one that is the contents itself, and is not read, does not."""
    return is_from_here(key) if has_random_key(session) else conf.SESSION_SCOPE is SessionScope.SITE


def add_tag(original: Any) -> Any:
    """A new key says where it was made, so that one store may serve all tenants."""

    @functools.wraps(original)
    def _get_new_session_key(self: Any) -> str:
        return str(original(self)) + session_tag()

    return _get_new_session_key


def add_tag_async(original: Any) -> Any:
    """``add_tag`` for coroutines."""

    @functools.wraps(original)
    async def _aget_new_session_key(self: Any) -> str:
        return str(await original(self)) + session_tag()

    return _aget_new_session_key


def bind_contents(original: Any) -> Any:
    """Sessions that are in the cookie itself are signed with another salt in each tenant."""

    def bound_salt(salt: str) -> str:
        bound = session_binding()
        return f"{salt}:{bound}" if bound else salt

    def dumps(obj: Any, *, salt: str, **options: Any) -> str:
        return str(original.dumps(obj, salt=bound_salt(salt), **options))

    def loads(text: str, *, salt: str, **options: Any) -> Any:
        return original.loads(text, salt=bound_salt(salt), **options)

    return SimpleNamespace(dumps=dumps, loads=loads, __wrapped__=original)


def leave_unread(original: Any) -> Any:
    """A cookie that cannot be read here may be another tenant's: Django would replace it by an empty session."""

    @functools.wraps(original)
    def load(self: Any) -> Any:
        modified, self.modified = self.modified, False
        contents = original(self)
        if self.modified:  # what Django does when it cannot be read
            self._session_key = None
        self.modified = modified
        return contents

    return load


def bind_cookies(original: Any) -> Any:
    """Cookies that are signed in a tenant, messages among them, are worth nothing elsewhere."""

    @functools.wraps(original)
    def get_cookie_signer(salt: str = "django.core.signing.get_cookie_signer") -> Any:
        bound = binding()
        return original(f"{salt}:{bound}" if bound else salt)

    return get_cookie_signer


def bind_token(original: Any) -> Any:
    """A link by mail is worth something where it was made alone; it ends with the identity's password."""

    @functools.wraps(original)
    def _make_token_with_timestamp(self: Any, user: Any, timestamp: int, secret: Any) -> str:
        if hasattr(user, "IDENTITY_FIELDS"):
            show_identity(user)
        bound = binding()
        secret = force_bytes(secret) + f":{bound}".encode() if bound else secret
        return str(original(self, user, timestamp, secret))

    return _make_token_with_timestamp
