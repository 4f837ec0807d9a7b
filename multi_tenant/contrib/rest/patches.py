"""Every change made to REST framework, each with its reason; installed by the app's configuration.

All are for REST framework 3.16 to 3.18. Each can go when REST framework has a hook between what an authentication
class answers and ``request.user``. ``undo`` takes them back, and simplejwt's with them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from multi_tenant.contrib.rest.authenticating import authenticating
from multi_tenant.contrib.rest.errors import as_api_error
from multi_tenant.contrib.rest.people import admitted, admitted_credential, is_nobody
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.users.members import has_identities

Owner = type | ModuleType
Change = tuple[Owner, str, Callable[[Any], Any]]
originals: dict[tuple[Owner, str], Any] = {}


def apply(changes: Iterable[Change]) -> None:
    """Make some changes, each once. Raises ConfigurationError for a version that has another shape."""
    for owner, name, wrap in changes:
        if (owner, name) in originals:
            continue
        if name not in owner.__dict__:
            raise ConfigurationError(
                f"{owner.__name__} has no {name} by which to keep tenants apart. Install a version of its package that "
                "multi_tenant.contrib.rest knows, or take that out of INSTALLED_APPS."
            )
        originals[owner, name] = owner.__dict__[name]
        setattr(owner, name, wrap(originals[owner, name]))


def undo() -> None:
    """Undo every change."""
    for owner, name in list(originals):
        setattr(owner, name, originals.pop((owner, name)))


def admit_user(original: Any) -> Any:
    """Whatever sets ``request.user`` sets a checked user: classes that authenticate, ``login()`` and views alike.

    An authentication class, stock or not, says whose credential it is, and knows nothing of membership. The Django
    request follows, as REST framework sets its user with its own.
    """

    def set_user(self: Any, value: Any) -> None:
        original.fset(self, admitted(value))

    return original.setter(set_user)


def admit_credential(original: Any) -> Any:
    """``request.auth`` is a credential of this place: a platform's token names no tenant, and opens none."""

    def set_auth(self: Any, value: Any) -> None:
        original.fset(self, admitted_credential(value))

    return original.setter(set_auth)


def refuse_strangers(original: Any) -> Any:
    """A stranger's credential is refused as a wrong one is, and leaves nothing of itself on the request.

    REST framework forgets who was about to ask only where the authentication class itself refuses.
    """

    @functools.wraps(original)
    def _authenticate(self: Any) -> None:
        with authenticating():
            try:
                original(self)
            except APIException:
                self._not_authenticated()
                raise

    return _authenticate


def members_alone(original: Any) -> Any:
    """A tenant that was only selected is open to members alone, but for views that say for whom they are.

    REST framework tells Django's middleware to leave its views alone, and lets everybody in where a project says
    nothing. A view says so by ``permission_classes`` of its own, as those do at which one gets a token.
    """

    @functools.wraps(original)
    def check_permissions(self: Any, request: Any) -> None:
        unsaid = self.permission_classes is APIView.permission_classes
        if unsaid and has_identities() and getattr(request, "tenant_is_selected", False) and is_nobody(request.user):
            self.permission_denied(request)
        original(self, request)

    return check_permissions


def answer_protected(original: Any) -> Any:
    """A protected identity is answered with 403; a project's own exception handler gets REST framework's error."""

    @functools.wraps(original)
    def handle_exception(self: Any, exc: Exception) -> Any:
        return original(self, as_api_error(exc))

    return handle_exception


def missing() -> list[str]:
    """The changes to REST framework that were not made, or undone; for the check."""
    return [f"{owner.__name__}.{name}" for owner, name, _ in PATCHES if (owner, name) not in originals]


PATCHES: tuple[Change, ...] = (
    (Request, "user", admit_user),
    (Request, "auth", admit_credential),
    (Request, "_authenticate", refuse_strangers),
    (APIView, "check_permissions", members_alone),
    (APIView, "handle_exception", answer_protected),
)
