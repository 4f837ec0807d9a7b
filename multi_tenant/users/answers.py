"""The answers of authentication backends, looked at before anybody signs in by them; put in place by the patches."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.views.decorators.debug import sensitive_variables

from multi_tenant.users.members import checked


class CheckedBackend:
    """A backend whose answers are checked: whatever it knows, who signs in to a tenant is a member."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend

    @sensitive_variables("credentials")
    def authenticate(self, request: Any, **credentials: Any) -> Any:
        return checked(self.backend.authenticate(request, **credentials))

    @sensitive_variables("credentials")
    async def aauthenticate(self, request: Any, **credentials: Any) -> Any:
        return await sync_to_async(checked)(await self.backend.aauthenticate(request, **credentials))


def check_answers(original: Any) -> Any:
    """Any backend may be configured, and those of Django's know no memberships."""

    @functools.wraps(original)
    def _get_compatible_backends(request: Any, **credentials: Any) -> Iterator[tuple[Any, str]]:
        for backend, path in original(request, **credentials):
            yield CheckedBackend(backend), path

    return _get_compatible_backends


def check_user(original: Any) -> Any:
    """Who is signed in is a member, and shows the identity's password, of which the session's hash is made."""

    @functools.wraps(original)
    def get_user(self: Any, user_id: Any) -> Any:
        return checked(original(self, user_id))

    return get_user


def check_user_async(original: Any) -> Any:
    """``check_user`` for coroutines, in which Django makes that hash where no query may be run."""

    @functools.wraps(original)
    async def aget_user(self: Any, user_id: Any) -> Any:
        return await sync_to_async(checked)(await original(self, user_id))

    return aget_user
