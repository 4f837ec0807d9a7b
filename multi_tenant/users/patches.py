"""Every change made to Django's auth, sessions and signed cookies, each with its reason; undone by ``uninstall``.

All are for Django 5.2 to 6.1. None has a setting or a method to override in its place that a project would not have to
know of: sessions, forms and views are Django's own, named in a project's settings and URLs. Each replacement calls what
it replaces, and tells its reason where it is written.
"""

from __future__ import annotations

from django.contrib import auth
from django.contrib.auth import forms
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing

from multi_tenant.routing.patches import Owner, Wrap, apply, undo
from multi_tenant.users.answers import check_answers, check_user, check_user_async
from multi_tenant.users.binding import (
    add_tag,
    add_tag_async,
    bind_contents,
    bind_cookies,
    bind_token,
    check_tag,
    leave_unread,
)
from multi_tenant.users.password_views import (
    answer_member,
    find_by_identity,
    name_host,
    save_as_addressee,
    save_as_visitor,
)

PATCHES: tuple[tuple[Owner, str, Wrap], ...] = (
    (auth, "_get_compatible_backends", check_answers),
    (ModelBackend, "get_user", check_user),
    (ModelBackend, "aget_user", check_user_async),
    (SessionBase, "_validate_session_key", check_tag),
    (SessionBase, "_get_new_session_key", add_tag),
    (SessionBase, "_aget_new_session_key", add_tag_async),
    (signed_cookies, "signing", bind_contents),
    (signed_cookies.SessionStore, "load", leave_unread),
    (signing, "get_cookie_signer", bind_cookies),
    (PasswordResetTokenGenerator, "_make_token_with_timestamp", bind_token),
    (PasswordResetForm, "get_users", find_by_identity),
    (forms, "get_current_site", name_host),
    (PasswordResetConfirmView, "get_user", answer_member),
    (PasswordResetConfirmView, "form_valid", save_as_addressee),
    (PasswordChangeView, "form_valid", save_as_visitor),
)


def install() -> None:
    """Make every change, once."""
    apply(PATCHES)


def uninstall() -> None:
    """Undo every change."""
    undo([(owner, name) for owner, name, _ in PATCHES])
