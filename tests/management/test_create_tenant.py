from __future__ import annotations

import io
import json
import os
import pty
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection, transaction

from multi_tenant import tenant_context
from multi_tenant.lifecycle import delete
from multi_tenant.lifecycle.placement import public_engine
from multi_tenant.registry.models import Tenant
from tests.fleets import PREFIX, on_each_engine
from tests.management.processes import manage, start


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@on_each_engine
def test_a_tenant_is_made_and_served(server: Any, run: Any) -> None:
    place = ["--server", server.name] if server else []
    output, _ = run("create_tenant", "acme", "--name=Acme", "--domain=ACME.example.com", "--domain=acme.test", *place)
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.state, tenant.server) == ("Acme", "active", server)
    assert [domain.host for domain in tenant.domains.all()] == ["acme.example.com", "acme.test"]
    with tenant_context("acme"):
        assert "library_book" in connection.introspection.table_names()
    assert output == "Tenant acme is active.\n"


def test_machines_are_told_in_json(run: Any) -> None:
    output, _ = run("create_tenant", "acme", "--domain=acme.test", "--json")
    document = json.loads(output)
    tenant = Tenant.objects.get()
    assert document["uuid"] == str(tenant.uuid)
    assert (document["alias"], document["state"], document["domains"]) == ("acme", "active", ["acme.test"])


def test_an_entry_is_read_from_standard_input(postgres_entry: dict[str, Any]) -> None:
    done = manage("create_tenant", "acme", "--entry", "-", "--json", given=json.dumps(postgres_entry))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["placement"] == "own"
    assert postgres_entry["PASSWORD"] not in done.stdout + done.stderr
    with tenant_context("acme"):
        assert connection.settings_dict["NAME"] == postgres_entry["NAME"]


def test_whoever_types_an_entry_is_told_how_to_end_it(registry: None) -> None:
    terminal, its_end = pty.openpty()
    try:
        os.write(terminal, b'{"ENGINE": "nonsense"}\n\x04')  # Ctrl-D
        with start("create_tenant", "acme", "--entry", "-", stdin=its_end) as process:
            _, errors = process.communicate(timeout=60)
    finally:
        os.close(terminal)
        os.close(its_end)
    assert errors.startswith("Write the entry as one JSON object, then press Ctrl-D.\n")
    assert "ENGINE is not allowed" in errors


def test_a_refused_login_leaves_nothing_and_shows_nothing(postgres_entry: dict[str, Any]) -> None:
    given = {**postgres_entry, "PASSWORD": "not-the-pass-word"}
    done = manage("create_tenant", "acme", "--entry", "-", given=json.dumps(given))
    assert (done.stdout, done.returncode) == ("", 1)
    assert "the login is refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "not-the-pass-word" not in done.stderr
    assert not Tenant.objects.exists()


def test_an_entry_on_the_command_line_is_refused_and_not_repeated(registry: None) -> None:
    done = manage("create_tenant", "acme", "--entry", '{"PASSWORD": "pass-word"}')
    assert done.returncode == 2
    assert "--entry -" in done.stderr
    assert "pass-word" not in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"PASSWORD": pass-word}',
        '["pass-word"]',
        '"pass-word"',
        pytest.param('["pass-word", ' + "[" * 100_000, id="deep"),
    ],
)
def test_an_entry_that_is_no_json_object_is_refused_and_not_repeated(
    run: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    type_in(monkeypatch, text)
    with pytest.raises(CommandError, match="on standard input is not") as failure:
        run("create_tenant", "acme", "--entry", "-")
    assert "pass-word" not in str(failure.value)
    assert failure.value.__cause__ is None
    assert not Tenant.objects.exists()


def test_an_entry_with_a_key_twice_is_refused_and_not_repeated(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, '{"NAME": "one", "OPTIONS": {"password": "pass-word", "password": "pass-word"}}')
    with pytest.raises(CommandError, match="a key twice") as failure:
        run("create_tenant", "acme", "--entry", "-")
    assert "pass-word" not in str(failure.value)


def test_an_entry_that_breaks_a_rule_is_refused_and_not_repeated(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, json.dumps({"NAME": "acme", "OPTIONS": {"service": "pass-word"}}))
    with pytest.raises(CommandError, match=r"OPTIONS\.service may not be set") as failure:
        run("create_tenant", "acme", "--entry", "-")
    assert "pass-word" not in str(failure.value)


@pytest.mark.parametrize("alias", ["x'y", "a;b", "a..b", "münchen", "a" * 64, "public", "_connections"])
def test_an_alias_that_no_tenant_may_bear_is_a_line_and_changes_nothing(run: Any, alias: str) -> None:
    with pytest.raises(CommandError, match=r"is not an alias|is a reserved name"):
        run("create_tenant", alias)
    assert not Tenant.objects.exists()


def test_an_alias_that_is_taken_or_was_a_deleted_tenants_is_refused(acme: Any, run: Any) -> None:
    with pytest.raises(CommandError, match="There is a tenant 'acme' already"):
        run("create_tenant", "acme")
    delete("acme", force=True, archive=False)
    with pytest.raises(CommandError, match="was a deleted tenant's"):
        run("create_tenant", "acme")


def test_a_server_that_is_not_in_the_registry_is_refused(run: Any) -> None:
    with pytest.raises(CommandError, match="There is no database server 'elsewhere'"):
        run("create_tenant", "acme", "--server", "elsewhere")
    assert not Tenant.objects.exists()


def test_a_transaction_is_refused_with_the_cure(run: Any) -> None:
    with transaction.atomic(), pytest.raises(CommandError, match="Call this outside atomic"):
        run("create_tenant", "acme")


def test_an_existing_database_is_adopted(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = public_engine("cleaner")
    name = f"{PREFIX}legacy{engine.suffix}"
    engine.create(name)
    type_in(monkeypatch, json.dumps({"NAME": name}))
    output, _ = run("adopt_tenant", "acme", "--entry", "-", "--domain", "acme.test", "--json")
    assert json.loads(output)["state"] == "active"
    with tenant_context("acme"):
        assert connection.introspection.table_names()


def test_adoption_without_an_entry_is_refused(run: Any) -> None:
    with pytest.raises(CommandError, match="No entry is given"):
        run("adopt_tenant", "acme")
