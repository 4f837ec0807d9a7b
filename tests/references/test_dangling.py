"""References to rows that are gone are found, in each tenant."""

from __future__ import annotations

import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from multi_tenant.context import tenant_context
from multi_tenant.references import dangling
from multi_tenant.references.dangling import Dangling
from multi_tenant.registry.models import Tenant
from multi_tenant.registry.store import store
from tests.testapp.billing.models import Offer, Plan
from tests.testapp.library.models import Card

COMMAND = "find_dangling_references"
KEY = uuid.UUID(int=7)


@pytest.fixture
def broken(card: Card, plan: Plan, other_tenant: Any) -> Any:
    """A tenant with two rows that lead nowhere; the one of `card` is whole."""
    with tenant_context(other_tenant, switch=True):
        for holder in ("Cid", "Dee"):
            Card.objects.create(holder=holder, plan=plan, sponsor_id=KEY)
    return other_tenant


def run(*arguments: str) -> tuple[str, str]:
    """What the command says, and how it complains; "" where it has nothing to complain of."""
    output = StringIO()
    try:
        call_command(COMMAND, *arguments, stdout=output, stderr=output)
    except CommandError as exc:
        return output.getvalue(), f"{exc} ({exc.returncode})"
    return output.getvalue(), ""


def test_what_leads_nowhere_is_found(broken: Any) -> None:
    with tenant_context(broken, switch=True):
        found = [one for field in dangling.references() for one in dangling.dangling(field)]
    assert found == [Dangling("library.Card.sponsor", KEY, 2)]


def test_keys_are_looked_up_some_at_a_time(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dangling, "BATCH", 2)
    Card.objects.bulk_create([Card(holder="Eve", plan_id=key) for key in (0, -1, card.plan_id, -2, -3)])
    [field] = (each for each in dangling.references() if each.name == "plan")
    assert {one.key for one in dangling.dangling(field)} == {0, -1, -2, -3}


def test_the_command_tells_in_which_tenant(broken: Any) -> None:
    output, complaint = run()
    assert output == f"{broken.alias}: library.Card.sponsor: 2 rows point to {KEY}\n"
    assert complaint == f"References dangle in 1 of 2 tenants: {broken.alias}. (1)"


def test_a_tenant_that_is_whole_is_no_complaint(broken: Any, tenant: Any) -> None:
    assert run(tenant.alias) == ("", "")


def test_a_suspended_tenant_is_looked_into(broken: Any) -> None:
    Tenant.objects.filter(alias=broken.alias).update(state="suspended")
    store.clear()
    assert broken.alias in run()[1]


def test_the_command_answers_with_json(broken: Any, tenant: Any) -> None:
    document = json.loads(run("--json", broken.alias, tenant.alias)[0])
    assert document == [
        {
            "alias": broken.alias,
            "dangling": [{"field": "library.Card.sponsor", "key": str(KEY), "rows": 2}],
            "error": "",
        },
        {"alias": tenant.alias, "dangling": [], "error": ""},
    ]


def test_a_tenant_that_cannot_be_looked_into_is_a_complaint(broken: Any, tenant: Any) -> None:
    with tenant_context(tenant), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE library_card RENAME TO library_card_away")
    output, complaint = run(tenant.alias)
    assert output.startswith(f"{tenant.alias}: ")
    assert "library_card" in output
    assert complaint == f"Failed in 1 of 1 tenants: {tenant.alias}. (1)"


def test_a_row_deleted_by_hand_is_found(card: Card, offer: Offer) -> None:
    Offer.objects.all()._raw_delete("public")
    assert "library.Card.offer: 1 row points to spring" in run()[0]
    assert Plan.objects.exists()
