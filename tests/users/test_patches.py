"""The changes made to Django's auth and sessions: made once, undone whole, and fitting Django's shape."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import auth
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends import cache, cached_db, db, signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.http import HttpRequest, HttpResponse

from multi_tenant.routing.patches import originals
from multi_tenant.users import patches
from multi_tenant.users.binding import RANDOM_LENGTH, session_tag

#: What each replacement takes for granted, Django 5.2 to 6.1. A patch without a line here fails the test.
SIGNATURES = {
    "auth._get_compatible_backends": "(request, **credentials)",
    "ModelBackend.get_user": "(self, user_id)",
    "ModelBackend.aget_user": "(self, user_id)",
    "SessionBase._validate_session_key": "(self, key)",
    "SessionBase._get_new_session_key": "(self)",
    "SessionBase._aget_new_session_key": "(self)",
    "SessionStore.load": "(self)",
    "signing.get_cookie_signer": "(salt='django.core.signing.get_cookie_signer')",
    "PasswordResetTokenGenerator._make_token_with_timestamp": "(self, user, timestamp, secret)",
    "PasswordResetForm.get_users": "(self, email)",
    "forms.get_current_site": "(request)",
    "PasswordResetConfirmView.get_user": "(self, uidb64)",
    "PasswordResetConfirmView.form_valid": "(self, form)",
    "PasswordChangeView.form_valid": "(self, form)",
}
#: The lines of Django's that a patch is about; without them it has lost its reason.
SHAPES = {
    (auth, "authenticate"): "in _get_compatible_backends(request, **credentials):",
    (auth, "aauthenticate"): "in _get_compatible_backends(request, **credentials):",
    (auth, "get_user"): "user.get_session_auth_hash()",
    (auth, "aget_user"): "user.get_session_auth_hash()",
    (SessionBase, "_set_session_key"): "if self._validate_session_key(value):",
    (SessionBase, "_get_new_session_key"): "get_random_string(32, VALID_KEY_CHARS)",
    (cache.SessionStore, "create"): "self._get_new_session_key()",
    (cache.SessionStore, "acreate"): "self._aget_new_session_key()",
    (db.SessionStore, "create"): "self._get_new_session_key()",
    (db.SessionStore, "acreate"): "self._aget_new_session_key()",
    (signed_cookies.SessionStore, "load"): "signing.loads(",
    (signed_cookies.SessionStore, "aload"): "self.load()",
    (signed_cookies.SessionStore, "_get_session_key"): "signing.dumps(",
    (signed_cookies.SessionStore, "create"): "self.modified = True",
    (HttpResponse, "set_signed_cookie"): "signing.get_cookie_signer(",
    (CookieStorage, "__init__"): "signing.get_cookie_signer(",
    (PasswordResetTokenGenerator, "make_token"): "self._make_token_with_timestamp(",
    (PasswordResetTokenGenerator, "check_token"): "self._make_token_with_timestamp(",
    (PasswordResetForm, "save"): "self.get_users(email)",
    (views.PasswordResetConfirmView, "dispatch"): "self.get_user(kwargs",
    (views.PasswordResetConfirmView, "form_valid"): "form.save()",
    (views.PasswordChangeView, "form_valid"): "form.save()",
}


@pytest.fixture
def uninstalled() -> Iterator[None]:
    patches.uninstall()
    try:
        yield
    finally:
        patches.install()


def own_originals() -> dict[str, Any]:
    names = {(owner, name) for owner, name, _ in patches.PATCHES}
    return {
        f"{owner.__name__.rpartition('.')[2]}.{name}": original
        for (owner, name), original in originals.items()
        if (owner, name) in names
    }


def test_each_patched_method_has_the_signature_that_is_expected() -> None:
    methods = {name: one for name, one in own_originals().items() if not inspect.ismodule(one)}
    assert {name: str(inspect.signature(one)) for name, one in methods.items()} == SIGNATURES
    assert own_originals().keys() - methods.keys() == {"signed_cookies.signing"}


@pytest.mark.parametrize(("owner", "name"), SHAPES, ids=lambda part: getattr(part, "__name__", part))
def test_django_still_does_what_the_patch_is_about(owner: Any, name: str) -> None:
    member = originals.get((owner, name), getattr(owner, name))
    assert SHAPES[owner, name] in inspect.getsource(inspect.unwrap(member))


def test_cookies_are_read_with_the_signer_that_is_changed() -> None:
    unsign = getattr(signing, "_unsign_cookie", HttpRequest.get_signed_cookie)
    assert "get_cookie_signer(" in inspect.getsource(unsign)


def test_a_tag_fits_into_the_column_of_a_key() -> None:
    key: Any = db.SessionStore.get_model_class()._meta.get_field("session_key")
    assert len(SessionBase()._get_new_session_key.__wrapped__(KnowsNothing())) == RANDOM_LENGTH  # type: ignore[attr-defined]
    assert key.max_length >= RANDOM_LENGTH + 8
    assert session_tag() == ""


class KnowsNothing(SessionBase):
    def exists(self, session_key: str) -> bool:
        return False


def test_engines_of_rows_have_no_keys_of_their_own() -> None:
    for engine in (db, cache, cached_db):
        assert engine.SessionStore._get_session_key is SessionBase._get_session_key
    assert signed_cookies.SessionStore._get_session_key is not SessionBase._get_session_key


def test_what_wraps_a_method_keeps_its_name() -> None:
    for owner, name, _ in patches.PATCHES:
        now, original = owner.__dict__[name], originals[owner, name]
        assert now.__wrapped__ is original
        assert getattr(now, "__name__", name) == getattr(original, "__name__", name).rpartition(".")[2]


def test_installing_twice_is_installing_once() -> None:
    before = [owner.__dict__[name] for owner, name, _ in patches.PATCHES]
    patches.install()
    assert [owner.__dict__[name] for owner, name, _ in patches.PATCHES] == before


def test_uninstalling_leaves_nothing_behind(uninstalled: None) -> None:
    assert own_originals() == {}
    assert signed_cookies.signing is signing  # type: ignore[attr-defined]
    for owner, name, _ in patches.PATCHES:
        assert not getattr(owner.__dict__[name], "__module__", "").startswith("multi_tenant")
