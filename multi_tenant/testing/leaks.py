"""The eye on test classes that leave a tenant entered; put in place by `patches`."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, suppress
from typing import Any

from multi_tenant.context import Place, active_place

PLACE_BEFORE = "_multi_tenant_place"


class LeakedContextError(AssertionError):
    """A test left a tenant entered, or another than it began in."""


def watch_class(original: Any) -> Any:
    """A class that enters a tenant in ``setUpClass`` leaves it again, by a class cleanup or in ``tearDownClass``."""

    @functools.wraps(original)
    def setUpClass(cls: Any) -> None:  # unittest's name
        cls.addClassCleanup(leave, active_place.get(), f"{cls.__module__}.{cls.__qualname__}")
        original(cls)

    return setUpClass


def watch_setup(original: Any) -> Any:
    """Runners that call the hooks themselves, as pytest-django does, begin a test here."""

    @functools.wraps(original)
    def _pre_setup(cls: Any) -> None:
        setattr(cls, PLACE_BEFORE, active_place.get())
        original(cls)

    return _pre_setup


def watch_test(original: Any) -> Any:
    """A test, whatever it does and however it ends, leaves the context as it found it."""

    @functools.wraps(original)
    def _setup_and_call(self: Any, result: Any, debug: bool = False) -> None:
        before = active_place.get()
        setattr(self, PLACE_BEFORE, before)
        try:
            original(self, result, debug)
        finally:
            active_place.set(before)
            with suppress(AttributeError):
                delattr(self, PLACE_BEFORE)

    return _setup_and_call


def watch_teardown(original: Any) -> Any:
    """A test that leaves a tenant entered fails; its fixtures are torn down where they were set up."""

    @functools.wraps(original)
    def _post_teardown(self: Any) -> None:
        before: Place = getattr(self, PLACE_BEFORE, active_place.get())
        with restored(before, self.id()):
            original(self)

    return _post_teardown


class restored(AbstractContextManager[None]):  # noqa: N801  # used like a function
    """Goes back to a place at once, and complains at the end if that was a change."""

    def __init__(self, before: Place, test: str) -> None:
        self.before = before
        self.test = test

    def __enter__(self) -> None:
        self.left = active_place.get()
        active_place.set(self.before)

    def __exit__(self, kind: Any, exc: Any, tb: Any) -> None:
        if exc is None and self.left != self.before:
            raise LeakedContextError(
                f"{self.test} began in {self.before.alias or 'no tenant'} and ended in "
                f"{self.left.alias or 'no tenant'}. Enter tenants with `with`, or with enterContext()."
            )


def leave(before: Place, test: str) -> None:
    """Leave the tenant that a class left entered, and complain; one that began in a tenant may have left it since."""
    if active_place.get().is_tenant:
        with restored(before, test):
            pass
