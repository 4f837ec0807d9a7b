"""P5: the settings of a tenant's database are never seen: looked for by the literal password."""

from __future__ import annotations

import io
import json
import logging
import pickle
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from multi_tenant.context import current_tenant, tenant_context
from multi_tenant.exceptions import InvalidEntryError, TenantConnectionError
from multi_tenant.models import DatabaseServer, Tenant
from multi_tenant.registry import fields, rules
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.lookup import TenantRecord, record_of
from multi_tenant.registry.models import Placement, TenantState
from multi_tenant.registry.store import store
from multi_tenant.routing.wrapper import TenantConnection, tenant_connection
from tests import servers
from tests.processes import raw_public_database
from tests.promises.control import Without, all_of, guarded_by
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db
PASSWORD = "zq-Long-And-Literal-Password-7531"
HOST = "db.example.com"
Configure = Callable[..., None]


@pytest.fixture
def secretive() -> Tenant:
    """A tenant on a server of its own, whose entry holds the password."""
    pytest.importorskip("psycopg", reason="An entry is refused where its driver is missing.")
    return Tenant.objects.create(
        alias="secretive",
        state=TenantState.ACTIVE,
        placement=Placement.OWN,
        database={
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "secretive",
            "HOST": HOST,
            "USER": "somebody",
            "PASSWORD": PASSWORD,
        },
    )


@pytest.fixture
def wrong_password(postgres_url: str, configure: Configure) -> Tenant:
    """A tenant whose real server refuses its password."""
    entry = servers.database_entry(postgres_url, name="postgres")
    configure(ENTRY_HOSTS=[entry["HOST"]])
    row: Tenant = Tenant.objects.create(
        alias="wrong",
        state=TenantState.ACTIVE,
        placement=Placement.OWN,
        database={**entry, "PASSWORD": PASSWORD},
    )
    return row


def plainly(value: Any, *, binding: str) -> str:
    """As if nothing were encrypted."""
    return json.dumps(value)


def unsealed() -> AbstractContextManager[None]:
    """Secrets are stored as they are."""
    return all_of(Without(fields, "seal", plainly), Without(fields, "unseal", lambda token, binding: json.loads(token)))


@pytest.mark.django_db(transaction=True)
@guarded_by(unsealed)
def test_the_raw_database_holds_no_secret() -> None:
    row = DatabaseServer(name="one")
    row.credentials = {"PASSWORD": PASSWORD}
    DatabaseServer.objects.bulk_create([row])
    assert PASSWORD.encode() not in raw_public_database()
    assert b"multi_tenant_server" in raw_public_database()


def test_a_dump_holds_no_secret(secretive: Tenant) -> None:
    output = io.StringIO()
    call_command("dumpdata", "multi_tenant", stdout=output)
    assert "secretive" in output.getvalue()
    assert PASSWORD not in output.getvalue()


def test_commands_show_no_secret(secretive: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("list_tenants")
    call_command("list_tenants", "--json")
    shown = "".join(capsys.readouterr())
    assert "secretive" in shown
    assert PASSWORD not in shown


def things_that_know(tenant: Tenant) -> list[Any]:
    """Everything that a program may print or log."""
    store.clear()
    with tenant_context(tenant):
        wrapper = connections["default"]
        return [
            tenant,
            vars(tenant),
            tenant.database,
            tenant.entry(),
            store.get(tenant.alias),
            vars(store),
            current_tenant(),
            wrapper,
            wrapper.settings_dict,
            vars(wrapper)["record"],
            wrapper.copy().settings_dict,
            connections.settings,
            list(Tenant.objects.values()),
            Tenant.objects.filter(alias="secretive").explain(),
        ]


@guarded_by(Without(Entry, "__repr__", dict.__repr__))
def test_no_repr_holds_the_secret(secretive: Tenant) -> None:
    for thing in things_that_know(secretive):
        assert PASSWORD not in f"{thing!r} {thing!s}"


def test_no_pickle_holds_the_secret(secretive: Tenant) -> None:
    record = record_of(secretive)
    things: list[Any] = [secretive, record, list(Tenant.objects.all())]
    for thing in things:
        dumped = pickle.dumps(thing)
        assert b"secretive" in dumped
        assert PASSWORD.encode() not in dumped
    for entry_of_it in (secretive.database, secretive.entry()):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(entry_of_it)
    again = pickle.loads(pickle.dumps(record))
    assert (again.alias, again.uuid, again.entry) == ("secretive", secretive.uuid, None)


def test_logs_at_debug_hold_no_secret(caplog: pytest.LogCaptureFixture, secretive: Tenant) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django.db.backends")
    connection.force_debug_cursor = True
    try:
        secretive.database = {**secretive.database, "PORT": "5433"}
        secretive.save()
        things_that_know(secretive)
        call_command("list_tenants", stdout=io.StringIO())
    finally:
        connection.force_debug_cursor = False
    assert "multi_tenant_tenant" in caplog.text
    assert PASSWORD not in caplog.text


def report(call: Callable[[], Any], error: type[Exception]) -> str:
    """Django's error report, as HTML and as text, with every local variable of every frame."""
    with pytest.raises(error):
        call()
    try:
        call()
    except error:
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        return reporter.get_traceback_html() + reporter.get_traceback_text()
    raise AssertionError("unreachable")


def connect(tenant: Tenant) -> None:
    with tenant_context(tenant):
        Author.objects.exists()


def connect_plainly(self: TenantConnection) -> None:
    """What Django's own wrapper does."""
    BaseDatabaseWrapper.connect(self)


@guarded_by(Without(TenantConnection, "connect", connect_plainly))
@pytest.mark.parametrize("debug", [True, False])
def test_the_report_of_a_refused_login_holds_no_secret(wrong_password: Tenant, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    shown = report(lambda: connect(wrong_password), OperationalError)
    assert PASSWORD not in shown
    assert "TenantConnectionError" in shown
    assert "the login is refused" in shown


def test_the_report_of_a_server_out_of_reach_holds_no_secret(secretive: Tenant, configure: Configure) -> None:
    configure(ENTRY_HOSTS=["127.0.0.1"])
    secretive.database = {**secretive.database, "HOST": "127.0.0.1", "PORT": "1"}
    secretive.save()
    shown = report(lambda: connect(secretive), TenantConnectionError)
    assert PASSWORD not in shown
    assert "cannot be reached" in shown


BROKEN = [
    {"PASSWORD": PASSWORD.encode()},
    {"PASSWORD": [PASSWORD]},
    {"OPTIONS": {"password": PASSWORD}},
    {"OPTIONS": {"sslmode": [PASSWORD]}},
    {"OPTIONS": PASSWORD},
    {"SECRET": PASSWORD},
    {"PORT": PASSWORD},
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: next(iter(broken)))
def test_the_report_of_a_refused_entry_holds_no_secret(broken: dict[str, Any]) -> None:
    given = Entry(broken)
    shown = report(lambda: rules.validate_keys(given), InvalidEntryError)
    assert PASSWORD not in shown


def test_the_report_of_a_secret_that_cannot_be_stored_holds_no_secret() -> None:
    row = Tenant(alias="secretive")
    given = Entry({"NAME": object(), "PASSWORD": PASSWORD})
    assert PASSWORD not in report(lambda: setattr(row, "database", given), TypeError)


def test_the_report_of_a_missing_driver_holds_no_secret(secretive: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(engine: str) -> Any:
        raise ImproperlyConfigured("Error loading psycopg module")

    monkeypatch.setattr(rules, "load_backend", missing)
    assert PASSWORD not in report(secretive.entry, InvalidEntryError)
    assert PASSWORD not in report(lambda: secretive.save(update_fields=["database"]), InvalidEntryError)


def test_no_error_of_a_connection_has_a_cause_that_knows(wrong_password: Tenant) -> None:
    with pytest.raises(TenantConnectionError) as caught:
        connect(wrong_password)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert PASSWORD not in str(caught.value)


def test_a_second_connection_of_a_tenant_is_as_discreet(wrong_password: Tenant) -> None:
    record = TenantRecord("wrong", wrong_password.uuid, "", "active", wrong_password.entry())
    assert PASSWORD not in report(lambda: tenant_connection(record).copy().ensure_connection(), TenantConnectionError)


def test_the_settings_of_the_connection_still_hold_it(secretive: Tenant) -> None:
    """The searches above look for what is there to be found."""
    with tenant_context(secretive):
        assert connections["default"].settings_dict["PASSWORD"] == PASSWORD
