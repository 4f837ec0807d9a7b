"""What Django's test classes do once tenants come and go inside them; put in place by `patches`."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.testcases import _DatabaseFailure

from multi_tenant.context import public_context
from multi_tenant.databases.base import engine_of
from multi_tenant.exceptions import TenantConnectionError, WrongDatabaseError
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.wrapper import TenantConnection
from multi_tenant.testing.guards import Guard, guards, message_of
from multi_tenant.testing.levels import Level, follows_default, levels, place_of
from multi_tenant.testing.registry import RegistryRows

#: What `serialized_rollback` loads, by alias: connections of tenants come and go, these contents stay.
contents: dict[str, str] = {}
#: The connections that the running TransactionTestCase was handed, by alias; any thread adds to it.
handed_out: dict[str, Any] = {}


class ObservedConnectionHandler(TenantConnectionHandler):
    """The handler, telling the running test which connections it hands out."""

    def __getitem__(self, alias: str) -> Any:
        connection = super().__getitem__(alias)
        if follows_default(connection):
            observe(connection)
        return connection


def observe(connection: Any) -> None:
    """Guard, enrol and note a connection that was just handed out."""
    for guard in guards:
        guard.meet(connection)
    if isinstance(connection, TenantConnection) and not connection.record.marked:
        return  # it is being made: a block on it would keep it from being closed and cloned
    if levels and levels[-1].takes_tenants and not any(guard.refuses for guard in guards):
        levels[-1].meet(connection)
    handed_out[connection.alias] = connection
    if connection.alias in contents:
        connection._test_serialized_contents = contents[connection.alias]


def keep_contents() -> None:
    """Keep what the active tenant's database holds, for tests with ``serialized_rollback``."""
    connection = connections[DEFAULT]
    contents[connection.alias] = connection.creation.serialize_db_to_string()


def enter_atomics(original: Any) -> Any:
    """The blocks of a level: Django's, under the true names of their connections, and those of tenants to come."""

    @functools.wraps(original)
    def _enter_atomics(cls: Any) -> Level:
        level = Level(takes_tenants=DEFAULT in cls.databases)
        level.open([connections[name].alias for name in cls._databases_names()])
        return level

    return _enter_atomics


def rollback_atomics(original: Any) -> Any:
    """Every block of the level is rolled back, whichever tenant is active by then."""

    @functools.wraps(original)
    def _rollback_atomics(cls: Any, atomics: Level) -> None:
        atomics.roll_back()

    return _rollback_atomics


def testcase_teardown(original: Any) -> Any:
    """Constraints are checked in each tenant that the test used."""

    @functools.wraps(original)
    def _fixture_teardown(self: Any) -> None:
        if not self._databases_support_transactions():
            original(self)
            return
        try:
            self.atomics.check_constraints(self._should_check_constraints)
        finally:
            self._rollback_atomics(self.atomics)

    return _fixture_teardown


def transaction_setup(original: Any) -> Any:
    """A TransactionTestCase begins: which connections it is handed is noted, and the registry's rows are kept."""

    @functools.wraps(original)
    def _fixture_setup(cls: Any) -> None:
        cls._registry_rows = RegistryRows.read() if DEFAULT in cls.databases else None
        handed_out.clear()
        original(cls)

    return _fixture_setup


def transaction_teardown(original: Any) -> Any:
    """Django flushes ``default``; the public database and the tenants that the test used besides are flushed too.

    The rows of the registry that were there before the test come back: its tenants outlive it, as their databases do.
    """

    @functools.wraps(original)
    def _fixture_teardown(self: Any) -> None:
        used = dict(handed_out)
        original(self)
        if DEFAULT not in self.databases:
            return
        flushed = connections[DEFAULT].alias
        for alias, connection in used.items():
            if alias != flushed and is_there(connection):
                with suppress(WrongDatabaseError):  # no longer the tenant's, so what it holds is not the test's
                    flush(self, connection)
        if PUBLIC in (flushed, *used) and self._registry_rows is not None:
            self._registry_rows.restore()

    return _fixture_teardown


def is_there(connection: Any) -> bool:
    """Whether a database that the test used is left; it may have dropped the tenants that it made."""
    if not isinstance(connection, TenantConnection) or connection.record.entry is None:
        return True
    try:
        return engine_of(connection.record.entry, alias=connection.alias).exists(connection.settings_dict["NAME"])
    except TenantConnectionError:
        return False


def flush(case: Any, connection: Any) -> None:
    """Empty a database that the test used, as Django empties ``default``."""
    with place_of(connection):
        call_command(
            "flush",
            verbosity=0,
            interactive=False,
            database=DEFAULT,
            reset_sequences=False,
            allow_cascade=case.available_apps is not None,
            inhibit_post_migrate=case.serialized_rollback and connection.alias in contents,
        )
        if case.serialized_rollback and connection.alias in contents:
            connections[DEFAULT].creation.deserialize_db_from_string(contents[connection.alias])


def add_failures(original: Any) -> Any:
    """Django guards ``default`` by its connection of the moment: that is public's, and tenants' are guarded besides."""

    @functools.wraps(original)
    def _add_databases_failures(cls: Any) -> None:
        with public_context():
            original(cls)
        Guard(cls).put()

    return _add_databases_failures


def remove_failures(original: Any) -> Any:
    """The other half of ``add_failures``."""

    @functools.wraps(original)
    def _remove_databases_failures(cls: Any) -> None:
        for guard in [guard for guard in guards if guard.case is cls][-1:]:
            guard.lift()
        with public_context():
            original(cls)

    return _remove_databases_failures


def patch_ensure_connection(original: Any) -> Any:
    """A connection of another thread counts as ``default`` when it is public's or a tenant's."""

    @functools.wraps(original)
    def ensure_connection_patch_method(cls: Any) -> Any:
        stock = original(cls)

        def ensure_connection(self: BaseDatabaseWrapper, *args: Any, **kwargs: Any) -> Any:
            if self.connection is None and DEFAULT not in cls.databases and follows_default(self):
                return _DatabaseFailure(self.ensure_connection, message_of(cls, "threaded connections"))()
            return stock(self, *args, **kwargs)

        return ensure_connection

    return ensure_connection_patch_method
