"""`sync_members` repairs the tenants it is told, and says what it did."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import UnknownTenantError
from multi_tenant.models import Tenant
from multi_tenant.users.joining import add_member
from multi_tenant.users.management.commands import sync_members

pytestmark = pytest.mark.django_db
User = get_user_model()


def sync(*arguments: str) -> str:
    output = StringIO()
    call_command("sync_members", *arguments, stdout=output, stderr=output)
    return output.getvalue()


@pytest.fixture
def stale(mia: Any, acme: Tenant, bolt: Tenant) -> None:
    for tenant in (acme, bolt):
        add_member(mia, tenant)
    User.objects.update(username="maria")


def name_in(tenant: Tenant) -> str:
    with tenant_context(tenant):
        return str(User.objects.get().username)


def test_a_tenant_that_is_named_is_repaired(stale: None, acme: Tenant, bolt: Tenant) -> None:
    assert sync("acme") == "acme: 0 made, 1 refreshed, 0 stripped\n"
    assert (name_in(acme), name_in(bolt)) == ("maria", "mia")


def test_all_are_repaired_suspended_ones_too(stale: None, acme: Tenant, bolt: Tenant) -> None:
    bolt.state = "suspended"
    bolt.save()
    documents = json.loads(sync("--all", "--json"))
    assert {each["alias"]: each["repairs"]["refreshed"] for each in documents} == {"acme": 1, "bolt": 1}
    assert {each["error"] for each in documents} == {""}


@pytest.mark.parametrize("arguments", [(), ("acme", "--all")])
def test_either_tenants_are_named_or_all_are_meant(arguments: tuple[str, ...], db: None) -> None:
    with pytest.raises(CommandError, match="--all"):
        sync(*arguments)


def test_an_unknown_tenant_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="nowhere") as refused:
        sync("nowhere")
    assert isinstance(refused.value.__cause__, UnknownTenantError)


def test_where_one_fails_the_others_are_repaired(stale: None, bolt: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_once() -> Any:
        monkeypatch.undo()
        raise ConnectionError("out of reach")

    monkeypatch.setattr(sync_members, "sync_members", fail_once)
    output = StringIO()
    with pytest.raises(CommandError, match="Failed in 1 of 2 tenants: acme"):
        call_command("sync_members", "--all", stdout=output, stderr=output)
    assert "acme: ConnectionError: out of reach" in output.getvalue()
    assert name_in(bolt) == "maria"
