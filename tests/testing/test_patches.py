"""The changes that tests make to Django: made once, undone whole, and fitting Django's shape."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import SimpleTestCase

from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.testing import patches
from multi_tenant.testing.guards import refused_methods
from multi_tenant.testing.testcases import ObservedConnectionHandler

#: Django's shape, 5.2 to 6.1: what each replacement takes for granted.
SIGNATURES = {
    "SimpleTestCase.setUpClass": ["cls"],
    "SimpleTestCase._pre_setup": ["cls"],
    "SimpleTestCase._setup_and_call": ["self", "result", "debug"],
    "SimpleTestCase._post_teardown": ["self"],
    "SimpleTestCase._add_databases_failures": ["cls"],
    "SimpleTestCase._remove_databases_failures": ["cls"],
    "SimpleTestCase.ensure_connection_patch_method": ["cls"],
    "TransactionTestCase._post_teardown": ["self"],
    "TransactionTestCase._fixture_setup": ["cls"],
    "TransactionTestCase._fixture_teardown": ["self"],
    "TestCase._enter_atomics": ["cls"],
    "TestCase._rollback_atomics": ["cls", "atomics"],
    "TestCase._fixture_teardown": ["self"],
}


@pytest.fixture(autouse=True)
def _as_found() -> Iterator[None]:
    found = bool(patches.originals)
    yield
    patches.install() if found else patches.uninstall()


def test_installing_twice_is_installing_once() -> None:
    patches.install()
    first = {(owner, name): owner.__dict__[name] for owner, name, _ in patches.PATCHES}
    patches.install()
    assert all(owner.__dict__[name] is first[owner, name] for owner, name, _ in patches.PATCHES)


def test_uninstalling_puts_everything_back() -> None:
    patches.uninstall()
    before = {(owner, name): owner.__dict__[name] for owner, name, _ in patches.PATCHES}
    patches.install()
    assert type(connections) is ObservedConnectionHandler
    patches.uninstall()
    assert all(owner.__dict__[name] is before[owner, name] for owner, name, _ in patches.PATCHES)
    assert type(connections) is TenantConnectionHandler


def test_django_has_the_shape_that_is_expected() -> None:
    patches.uninstall()
    for owner, name, _ in patches.PATCHES:
        method = owner.__dict__[name]
        function = method.__func__ if isinstance(method, classmethod) else method
        assert list(inspect.signature(function).parameters) == SIGNATURES[f"{owner.__name__}.{name}"]


def test_django_says_which_methods_a_test_may_not_use(transactional_db: None) -> None:
    names = [name for name, _ in refused_methods(SimpleTestCase, connections["default"])]
    assert {"connect", "cursor"} <= set(names)
    assert all(callable(getattr(connections["default"], name)) for name in names)


def test_each_change_says_why() -> None:
    assert all(wrap.__doc__ for _, _, wrap in patches.PATCHES)
