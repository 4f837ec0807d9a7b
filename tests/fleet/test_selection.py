from __future__ import annotations

import pytest

from multi_tenant import UnknownTenantError
from multi_tenant.fleet.selection import ACTIVE, SUSPENDED, WHOLE, in_states, named
from multi_tenant.registry.models import Tenant, TenantState


@pytest.fixture
def rows(registry: None) -> None:
    """A tenant in each state, named for it."""
    for state in TenantState.values:
        Tenant.objects.create(alias=f"is-{state}", state=state)


def test_tenants_are_chosen_by_state_and_ordered_by_alias(rows: None) -> None:
    assert [tenant.alias for tenant in in_states({SUSPENDED, ACTIVE})] == ["is-active", "is-suspended"]
    assert {TenantState.ACTIVE, TenantState.SUSPENDED} == WHOLE


def test_tenants_are_chosen_by_name_in_the_order_given_and_once(rows: None) -> None:
    found = named(["is-failed", "is-active", "is-failed"])
    assert [(tenant.alias, tenant.state) for tenant in found] == [("is-failed", "failed"), ("is-active", "active")]


def test_an_unknown_name_is_refused(rows: None) -> None:
    with pytest.raises(UnknownTenantError, match="nobody"):
        named(["is-active", "nobody"])


def test_no_entry_is_carried_along(rows: None) -> None:
    assert set(in_states({ACTIVE})[0].__slots__) == {"alias", "uuid", "state", "fingerprint"}
