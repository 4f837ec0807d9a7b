"""A tenant's server that goes away is named as such, and is not waited for by everybody."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from multi_tenant.context import record_context, tenant_context
from multi_tenant.exceptions import TenantConnectionError
from multi_tenant.models import Tenant
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.routing import outages
from multi_tenant.routing.outages import SilentServers, silent_servers
from tests.promises.control import Without, guarded_by
from tests.settings import PUBLIC as PUBLIC_ENGINE
from tests.testapp.library.models import Author

psycopg = pytest.importorskip("psycopg")

on_server = pytest.mark.skipif(PUBLIC_ENGINE != "postgres", reason="the sessions that these tests end are PostgreSQL's")
committing = pytest.mark.django_db(transaction=True)


def end_session(alias: str) -> None:
    """Have the server end the session of a tenant's connection, as it does when it stops."""
    ended = connections[alias].connection.info.backend_pid
    with connections[PUBLIC].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [ended])
        assert cursor.fetchone() == (True,)


def closing_connection(connection: BaseDatabaseWrapper) -> None:
    """As Django does at a request's end, and, should the test fail, for the tests that follow."""
    connection.close_if_unusable_or_obsolete()


@on_server
@committing
@guarded_by(Without(outages, "is_lost", lambda connection: False))
@pytest.mark.parametrize("ended", ["outside", "inside", "at commit"])
def test_a_connection_that_dies_under_a_statement_is_named(acme: Tenant, ended: str) -> None:
    with tenant_context(acme):
        try:
            Author.objects.exists()
            with pytest.raises(OperationalError) as caught:
                die(ended)
            assert isinstance(caught.value, TenantConnectionError)
            assert caught.value.alias == "acme"
        finally:
            closing_connection(connections["acme"])
        assert not Author.objects.exists()


def die(ended: str) -> None:
    """Lose the connection outside of a block, before a statement of one, or before its end."""
    if ended == "outside":
        end_session("acme")
        Author.objects.exists()
        return
    with transaction.atomic():
        Author.objects.create(name="lost")
        end_session("acme")
        if ended == "inside":
            Author.objects.exists()


@on_server
@committing
@guarded_by(Without(outages, "is_lost", lambda connection: True))
def test_a_statement_that_is_cancelled_is_no_loss(acme: Tenant) -> None:
    with tenant_context(acme), connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 1")
        try:
            with pytest.raises(OperationalError) as caught:
                cursor.execute("SELECT pg_sleep(60)")
            assert not isinstance(caught.value, TenantConnectionError)
        finally:
            connections["acme"].close()


@on_server
@committing
def test_health_checks_are_inherited_and_spare_the_visitor_the_loss(acme: Tenant, settings: Any) -> None:
    settings.DATABASES["default"]["CONN_MAX_AGE"] = None
    settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    try:
        with tenant_context(acme):
            Author.objects.exists()
            kept: Any = connections["acme"]
            assert kept.health_check_enabled
            end_session("acme")
            kept.close_if_unusable_or_obsolete()  # as at the beginning of a request
            assert not Author.objects.exists()
    finally:
        settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
        settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] = False


class Clock:
    """What the test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, configure: Callable[..., None]) -> Clock:
    configure(REGISTRY_TTL=5)
    moved = Clock()
    monkeypatch.setattr(outages, "monotonic", moved)
    return moved


SERVER = ("db.example", "5432")


def fails(servers: SilentServers, error: Exception) -> str:
    """What comes of an attempt that fails: the message of its error."""
    with pytest.raises(OperationalError) as caught, servers.knock(SERVER, "acme"):
        raise error
    return str(caught.value)


def test_a_silent_server_is_left_alone_for_a_while_and_then_tried_by_one(clock: Clock) -> None:
    servers = SilentServers()
    assert fails(servers, OperationalError("connection timeout expired")) == "connection timeout expired"
    clock.now += 4.9
    assert "did not answer a moment ago" in fails(servers, OperationalError("connection timeout expired"))
    clock.now += 0.1
    with servers.knock(SERVER, "acme"):
        assert servers.is_silent(SERVER)
        clock.now += 60
        assert not servers.is_silent(SERVER)  # the one who knocked does not come back
    assert not servers.is_silent(SERVER)


def test_a_server_that_refuses_has_answered(clock: Clock) -> None:
    servers = SilentServers()
    fails(servers, OperationalError("timeout expired"))
    clock.now += 5
    fails(servers, OperationalError("connection refused"))
    assert not servers.is_silent(SERVER)


def test_silent_servers_are_remembered_up_to_a_number(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "MAX_SILENT", 3)
    servers = SilentServers()
    for number in range(10):
        servers.note((str(number), ""))
    assert [servers.is_silent((str(number), "")) for number in (6, 7, 9)] == [False, True, True]
    servers.clear()
    assert not servers.is_silent(("9", ""))


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word, as one whose machine hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener
    silent_servers.clear()


def visitors(listener: socket.socket) -> int:
    """How many have connected so far."""
    found = 0
    try:
        while True:
            listener.accept()[0].close()
            found += 1
    except BlockingIOError:
        return found


@pytest.mark.django_db
@guarded_by(Without(SilentServers, "note"))
def test_visitors_of_a_mute_server_do_not_wait_one_after_the_other(
    mute: socket.socket, configure: Callable[..., None]
) -> None:
    configure(REGISTRY_TTL=600)
    host, port = mute.getsockname()
    entry = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": host,
        "PORT": str(port),
        "NAME": "mute",
        "USER": "somebody",
        "PASSWORD": "something",
        "OPTIONS": {"connect_timeout": 1},
    }
    record = TenantRecord("mute", uuid4(), "", "active", complete_own(entry))
    for _ in range(2):
        with record_context(record), pytest.raises(TenantConnectionError, match="not answer"):
            connection.ensure_connection()
        connections.retire("mute")  # type: ignore[attr-defined]  # the handler's own
    assert visitors(mute) == 1


@on_server
@committing
def test_there_is_a_limit_to_waiting_unless_the_entry_has_one(acme: Tenant) -> None:
    with tenant_context(acme):
        kept: Any = connections["acme"]
        assert kept.get_connection_params()["connect_timeout"] == outages.CONNECT_SECONDS
        kept.settings_dict["OPTIONS"] = {"connect_timeout": 3}
        assert kept.get_connection_params()["connect_timeout"] == 3
