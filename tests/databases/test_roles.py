"""The logins that PostgreSQL's engine makes, beyond what tenants are seen to do with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from multi_tenant import ProvisioningError
from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing.wrapper import tenant_connection
from tests.databases.conftest import PREFIX, run

NAME, LOGIN = f"{PREFIX}logins", f"{PREFIX}acme_1"


@pytest.fixture
def made(postgresql: Engine, configure: Any) -> Engine:
    """The engine, with a database and a login for it."""
    configure(DATABASE_PREFIX=PREFIX)
    postgresql.create(NAME, private=True)
    run(postgresql, NAME, "CREATE TABLE fruit (name varchar(20))")
    postgresql.create_login(LOGIN, "first", name=NAME)
    postgresql.open_rows(NAME)
    return postgresql


@pytest.fixture
def session(made: Engine) -> Iterator[Any]:
    """A connection by the login."""
    with closing(connection(made, "first")) as found:
        found.ensure_connection()
        yield found


def connection(engine: Engine, password: str) -> Any:
    entry = Entry({**engine.entry_for(NAME), "USER": LOGIN, "PASSWORD": password})
    return tenant_connection(TenantRecord("acme", None, "", "", entry, marked=False))


def ask(session: Any, statement: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(statement)


def test_one_that_is_there_gets_the_password_and_the_rights(made: Engine) -> None:
    run(made, NAME, f'REVOKE CONNECT ON DATABASE "{NAME}" FROM "{LOGIN}"')
    made.create_login(LOGIN, "second", name=NAME)
    with closing(connection(made, "second")) as session:
        ask(session, "INSERT INTO fruit VALUES ('pear')")
    with closing(connection(made, "first")) as former, pytest.raises(TenantConnectionError):
        former.ensure_connection()


def test_dropping_ends_sessions_and_is_done_once(made: Engine, session: Any) -> None:
    made.drop_login(LOGIN)
    assert LOGIN not in made.logins(PREFIX)
    with pytest.raises(Exception, match=r"terminat|closed"):
        ask(session, "SELECT 1")
    made.drop_login(LOGIN)


def test_one_that_owns_something_is_locked_and_told(made: Engine, session: Any) -> None:
    ask(session, "SELECT lo_create(0)")
    with pytest.raises(ProvisioningError, match="REASSIGN OWNED"):
        made.drop_login(LOGIN)
    with closing(connection(made, "first")) as again, pytest.raises(TenantConnectionError):
        again.ensure_connection()
    made.drop(NAME)
    made.drop_login(LOGIN)


def test_busy_is_who_is_in_a_transaction_or_was_at_work_just_now(made: Engine, session: Any) -> None:
    assert made.is_login_busy(LOGIN, silent_for=3600)
    assert not made.is_login_busy(LOGIN, silent_for=0)
    session.set_autocommit(False)
    ask(session, "SELECT 1")
    assert made.is_login_busy(LOGIN, silent_for=0)
    session.rollback()
    made.drop_login(LOGIN)
    assert not made.is_login_busy(LOGIN, silent_for=3600)


def test_each_deployment_and_each_owner_has_a_group_of_its_own(made: Engine, configure: Any) -> None:
    engine: Any = made
    other: Any = engine_of(Entry({**made.entry, "USER": "another"}), alias="acme")
    names = {engine.group, other.group}
    configure(DATABASE_PREFIX="x" * 53)
    names.add(engine.group)
    assert len(names) == 3
    assert all(len(name) <= made.longest_login for name in names)


def test_what_an_extension_brought_is_left(made: Engine) -> None:
    run(
        made,
        NAME,
        "CREATE SCHEMA aside; CREATE TABLE aside.brought (id integer); ALTER TABLE aside.brought SET SCHEMA public",
    )
    run(made, NAME, "ALTER EXTENSION plpgsql ADD TABLE brought")
    made.open_rows(NAME)
    rights = run(made, NAME, "SELECT relname, relacl::text FROM pg_class WHERE relname IN ('fruit', 'brought')")
    assert {name for name, given in rights if PREFIX in str(given)} == {"fruit"}


def test_a_login_is_told_by_the_tenants_uuid(made: Engine) -> None:
    uuid = UUID("12345678-1234-1234-1234-123456789abc")
    assert made.login_stem("acme", uuid) == f"{PREFIX}acme_12345678_"
    assert len(made.login_stem("a" * 48, uuid)) < made.longest_login
