"""Tests that are run twice: with a guard, and, as the control, without it, when they have to fail.

A test whose control passes proves nothing: it would pass, too, if the guard were gone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError

from multi_tenant.conf import Guard, conf
from multi_tenant.context import active_place
from multi_tenant.routing import patches

Removal = Callable[[], AbstractContextManager[Any]]
KEPT = "kept"


def guarded_by(*removals: Removal) -> Callable[[Callable[..., None]], Any]:
    """Run the test that is decorated with its guards, and once without each of them; then it has to fail.

    Failing means that an assertion fails or an expected error is not raised. Any other error counts for nothing.
    """
    by_name = {name_of(removal): removal for removal in removals}

    def decorate(body: Callable[..., None]) -> Any:
        @functools.wraps(body)
        def test(*, guard: str, **fixtures: Any) -> None:
            if guard == KEPT:
                body(**fixtures)
                return
            with by_name[guard]():
                must_fail(body, fixtures)

        guard = inspect.Parameter("guard", inspect.Parameter.KEYWORD_ONLY)
        given = inspect.signature(body).parameters.values()
        test.__signature__ = inspect.Signature([*given, guard])  # type: ignore[attr-defined]  # pytest reads it
        return pytest.mark.parametrize("guard", [KEPT, *by_name])(test)

    return decorate


def must_fail(body: Callable[..., None], fixtures: dict[str, Any]) -> None:
    """Run a test's body; complain if it passes. It may leave a tenant entered."""
    before = active_place.get()
    try:
        body(**fixtures)
    except (AssertionError, pytest.fail.Exception):
        return
    finally:
        active_place.set(before)
    pytest.fail("The test passes without its guard, so it does not test it.", pytrace=False)


def name_of(removal: Removal) -> str:
    """A word for the control, as pytest shows it."""
    found = getattr(removal, "__name__", None) or getattr(removal, "label", "removed")
    return str(found).replace("_", " ")


class Without:
    """A removal that puts ``replacement`` in the place of ``owner.name``."""

    def __init__(self, owner: Any, name: str, replacement: Any = lambda *args, **kwargs: None) -> None:
        self.label = f"without {name.strip('_')}"
        self.arguments = (owner, name, replacement)

    def __call__(self) -> AbstractContextManager[Any]:
        return patch.object(*self.arguments)


class WithoutPatch(Without):
    """A removal of one of the changes made to Django."""

    def __init__(self, owner: type | ModuleType, name: str) -> None:
        super().__init__(owner, name, None)
        self.owner, self.name = owner, name

    def __call__(self) -> AbstractContextManager[Any]:
        return patch.object(self.owner, self.name, patches.originals[self.owner, self.name])


def guard_off() -> AbstractContextManager[Any]:
    """The guard behind the router looks away, so that what stands before it is tested alone."""
    return patch.object(conf, "GUARD", Guard.OFF)


@contextmanager
def all_of(*removals: Removal) -> Iterator[None]:
    """Several removals at once."""
    if not removals:
        yield
        return
    with removals[0](), all_of(*removals[1:]):
        yield


def refused(error: type[Exception], call: Callable[[], Any]) -> bool:
    """Whether a call raises ``error``; a database that merely has no such table or row refuses nothing."""
    try:
        call()
    except error:
        return True
    except (DatabaseError, ObjectDoesNotExist):
        return False
    return False
