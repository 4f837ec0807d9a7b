from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.db import connections
from django.test.utils import CaptureQueriesContext

from multi_tenant.checks.credentials import check_credentials
from multi_tenant.context import public_context, tenant_context
from multi_tenant.registry.models import DatabaseServer, Tenant

pytestmark = pytest.mark.django_db
#: Of an engine that knows logins; nobody connects to it.
SERVER = {"ENGINE": "django.db.backends.postgresql", "HOST": "db.example", "USER": "owner", "PASSWORD": "x"}


def add(alias: str, **fields: Any) -> None:
    rows: Any = Tenant.objects
    rows.create(alias=alias, state="active", **fields)


@pytest.fixture
def served(configure: Any) -> None:
    """A tenant of each kind."""
    pytest.importorskip("psycopg")
    configure(TENANT_LOGINS=True, ENTRY_HOSTS=["db.example", "own.example"])
    servers: Any = DatabaseServer.objects
    server = servers.create(name="one", credentials=SERVER)
    add("own", placement="own", database={**SERVER, "HOST": "own.example", "NAME": "notes"})
    add("file", placement="own", database={"ENGINE": "django.db.backends.sqlite3", "NAME": "own.sqlite3"})
    add("bare", placement="server", server=server, database={"NAME": "bare"})
    add("login", placement="server", server=server, database={"NAME": "login", "USER": "one", "PASSWORD": "x"})


def found() -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in check_credentials(databases=["default"])]


def test_credentials_that_are_not_for_rows_alone_are_told(served: None) -> None:
    (one, own), (other, bare) = found()
    assert (one, other) == ("multi_tenant.W007", "multi_tenant.W008")
    assert own.startswith("1 tenants")
    assert "(own)" in own
    assert bare.startswith("1 tenants")
    assert "(bare)" in bare


def test_without_the_setting_no_login_is_missed(served: None, configure: Any) -> None:
    configure(TENANT_LOGINS=False)
    assert [name for name, _ in found()] == ["multi_tenant.W007"]


def test_a_tenant_whose_entry_breaks_a_rule_says_so_by_itself(served: None, configure: Any) -> None:
    configure(ENTRY_HOSTS=["127.0.0.2"])
    add("bad", placement="own", database={**SERVER, "HOST": "127.0.0.2", "NAME": "notes"})
    assert "bad" in str(found())
    configure(ENTRY_HOSTS=[])
    assert "bad" not in str(found())


def test_many_are_not_all_named(configure: Any) -> None:
    pytest.importorskip("psycopg")
    configure(ENTRY_HOSTS=["own.example"])
    for number in range(6):
        add(f"own-{number}", placement="own", database={**SERVER, "HOST": "own.example", "NAME": f"notes{number}"})
    [(_, message)] = found()
    assert "own-4 …" in message
    assert "own-5" not in message


def test_no_query_runs_unless_databases_are_checked(served: None) -> None:
    with public_context(), CaptureQueriesContext(connections["public"]) as queries:
        run_checks(tags=["multi_tenant"])
        assert check_credentials(databases=["other"]) == []
        assert len(queries) == 0
        assert {message.id for message in run_checks(tags=[Tags.database], databases=["default"])} >= {
            "multi_tenant.W007"
        }
        assert len(queries) > 0


def test_inside_a_tenant_nothing_is_asked(served: None, acme: Tenant) -> None:
    with tenant_context("acme"):
        assert check_credentials(databases=["default"]) == []
