"""Public rows to point to, and a tenant's row that does."""

from __future__ import annotations

from typing import Any

import pytest

from multi_tenant.context import public_context
from tests.testapp.billing.models import Offer, Plan, Sponsor
from tests.testapp.library.models import Card


@pytest.fixture
def plan(db: None) -> Plan:
    with public_context():
        return Plan.objects.create(name="small")


@pytest.fixture
def sponsor(db: None) -> Sponsor:
    with public_context():
        return Sponsor.objects.create(name="Ann")


@pytest.fixture
def offer(sponsor: Sponsor) -> Offer:
    with public_context():
        return Offer.objects.create(code="spring", sponsor=sponsor)


@pytest.fixture
def card(in_tenant: Any, plan: Plan, sponsor: Sponsor, offer: Offer) -> Card:
    """A row of the active tenant; read from it, so that it has nothing in its cache."""
    return Card.objects.get(pk=Card.objects.create(holder="Bob", plan=plan, sponsor=sponsor, offer=offer).pk)
