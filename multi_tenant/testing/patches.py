"""Every change that tests make to Django, each with its reason; installed by test runners, never in production.

All are for Django 5.2 to 6.1. Each replacement calls what it replaces, or says what it does in its place; the drift
test says where Django's shape differs from what is expected here.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.test.testcases import SimpleTestCase, TestCase, TransactionTestCase

from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.testing import leaks, testcases

#: Owner, name, and what makes the replacement; its docstring says why.
PATCHES = (
    (SimpleTestCase, "setUpClass", leaks.watch_class),
    (SimpleTestCase, "_pre_setup", leaks.watch_setup),
    (SimpleTestCase, "_setup_and_call", leaks.watch_test),
    (SimpleTestCase, "_post_teardown", leaks.watch_teardown),
    (SimpleTestCase, "_add_databases_failures", testcases.add_failures),
    (SimpleTestCase, "_remove_databases_failures", testcases.remove_failures),
    (SimpleTestCase, "ensure_connection_patch_method", testcases.patch_ensure_connection),
    (TransactionTestCase, "_post_teardown", leaks.watch_teardown),
    (TransactionTestCase, "_fixture_setup", testcases.transaction_setup),
    (TransactionTestCase, "_fixture_teardown", testcases.transaction_teardown),
    (TestCase, "_enter_atomics", testcases.enter_atomics),
    (TestCase, "_rollback_atomics", testcases.rollback_atomics),
    (TestCase, "_fixture_teardown", testcases.testcase_teardown),
)
originals: dict[tuple[type, str], Any] = {}


def install() -> None:
    """Make every change, once. ``django.setup()`` must have put the routing in place."""
    if not isinstance(connections, testcases.ObservedConnectionHandler):
        # A test learns of connections when they are handed out; the class is swapped as routing swaps it.
        connections.__class__ = testcases.ObservedConnectionHandler
    for owner, name, wrap in PATCHES:
        if (owner, name) not in originals:
            originals[owner, name] = owner.__dict__[name]
            setattr(owner, name, replaced(owner.__dict__[name], wrap))


def uninstall() -> None:
    """Undo every change."""
    for owner, name in list(originals):
        setattr(owner, name, originals.pop((owner, name)))
    if isinstance(connections, testcases.ObservedConnectionHandler):
        connections.__class__ = TenantConnectionHandler  # type: ignore[assignment]  # its own class again


def replaced(original: Any, wrap: Any) -> Any:
    """The replacement of a method, a class method again if it was one."""
    if isinstance(original, classmethod):
        return classmethod(wrap(original.__func__))
    return wrap(original)
