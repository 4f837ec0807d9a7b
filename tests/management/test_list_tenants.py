from __future__ import annotations

import json
from typing import Any

from multi_tenant.lifecycle import create_tenant, delete
from multi_tenant.registry.models import Tenant


def test_without_tenants_it_says_how_to_make_one(run: Any) -> None:
    assert run("list_tenants") == ("There are no tenants. Make one with create_tenant.\n", "")
    assert json.loads(run("list_tenants", "--json")[0]) == []


def test_every_tenant_has_a_line_whatever_its_state(acme: Any, run: Any) -> None:
    create_tenant("bolt", name="Bolt & Co", domains=["bolt.test", "www.bolt.test"])
    delete("acme", force=True, archive=False)
    Tenant.objects.create(alias="clay", state="failed", error="It broke. Try again.")
    headings, *lines = run("list_tenants")[0].splitlines()
    assert headings.split() == ["alias", "state", "server", "domains", "name", "error"]
    assert [line.split()[:2] for line in lines] == [["acme", "deleted"], ["bolt", "active"], ["clay", "failed"]]
    assert "bolt.test, www.bolt.test  Bolt & Co" in lines[1]
    assert lines[2].endswith("It broke. Try again.")


def test_machines_are_told_in_json(run: Any) -> None:
    tenant = create_tenant("acme", name="Ärger\x1b[31m", domains=["acme.test"])
    [document] = json.loads(run("list_tenants", "--json")[0])
    assert document["created_at"].startswith(str(tenant.created_at.year))
    assert (document["name"], document["deleted_at"], document["error"]) == ("Ärger\x1b[31m", None, "")
    assert (document["uuid"], document["placement"], document["server"]) == (str(tenant.uuid), "public", None)


def test_a_name_cannot_give_orders_to_the_terminal(run: Any) -> None:
    Tenant.objects.create(alias="acme", name="Ärger\x1b[31m\r\n")
    output, _ = run("list_tenants")
    assert "Ärger?[31m??" in output
    assert "\x1b" not in output


def test_no_secret_is_shown(postgres_entry: dict[str, Any], run: Any) -> None:
    create_tenant("acme", entry=postgres_entry)
    shown = run("list_tenants")[0] + run("list_tenants", "--json")[0]
    assert "acme" in shown
    assert postgres_entry["PASSWORD"] not in shown


def test_many_tenants_need_no_more_queries_than_one(registry: None, run: Any, django_assert_num_queries: Any) -> None:
    for count in range(3):
        Tenant.objects.create(alias=f"tenant-{count}")
    with django_assert_num_queries(2):
        run("list_tenants")
