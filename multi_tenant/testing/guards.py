"""Which connections a SimpleTestCase may not use: tenants' too, where `default` is refused; kept by the test kit."""

from __future__ import annotations

from threading import get_ident
from typing import Any

from django.db import connections
from django.test.testcases import _DatabaseFailure

from multi_tenant.registry.aliases import DEFAULT
from multi_tenant.routing.wrapper import TenantConnection
from multi_tenant.testing.levels import follows_default


class Guard:
    """The refusals that one running test class has put on tenants' connections."""

    def __init__(self, case: Any) -> None:
        self.case = case
        self.thread = get_ident()
        self.refused: list[Any] = []

    @property
    def refuses(self) -> bool:
        """Whether the class may not use ``default``."""
        return DEFAULT not in self.case.databases

    def put(self) -> None:
        """Refuse the tenant connections that this thread has; `meet` refuses those it gets later."""
        guards.append(self)
        for connection in connections.all(initialized_only=True):
            self.meet(connection)

    def meet(self, connection: Any) -> None:
        """Refuse a tenant's connection that a test was just handed."""
        known = any(connection is other for other in self.refused)
        if known or not self.refuses or self.thread != get_ident() or not is_tenants(connection):
            return
        self.refused.append(connection)
        for name, operation in refused_methods(self.case, connection):
            failure = _DatabaseFailure(getattr(connection, name), message_of(self.case, operation))
            setattr(connection, name, failure)

    def lift(self) -> None:
        """Take the refusals away again."""
        guards.remove(self)
        for connection in self.refused:
            for name, _ in refused_methods(self.case, connection):
                setattr(connection, name, getattr(connection, name).wrapped)


#: The guards of the test classes that run now, innermost last.
guards: list[Guard] = []


def is_tenants(connection: Any) -> bool:
    """Whether it is a tenant's; Django itself guards the static ones."""
    return isinstance(connection, TenantConnection) and follows_default(connection)


def refused_methods(case: Any, connection: Any) -> Any:
    """The methods of a connection that Django refuses, and what it calls them; since Django 6.1 the backend says."""
    if hasattr(case, "_disallowed_connection_methods"):
        return case._disallowed_connection_methods
    return connection.features.disallowed_simple_test_case_connection_methods


def message_of(case: Any, operation: str) -> str:
    """Django's own message. It names ``default``, the word that ``databases`` is to hold."""
    test = f"{case.__module__}.{case.__qualname__}"
    return str(case._disallowed_database_msg % {"test": test, "alias": DEFAULT, "operation": operation})
