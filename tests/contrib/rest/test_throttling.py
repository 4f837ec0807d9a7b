"""Throttles count for each tenant apart."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.test import RequestFactory
from rest_framework import throttling as stock
from rest_framework.request import Request
from rest_framework.views import APIView

from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context, tenant_context
from multi_tenant.contrib.rest import throttling as ours
from multi_tenant.exceptions import NoTenantError
from multi_tenant.users.members import find_member

pytestmark = pytest.mark.django_db
RATES = {"anon": "1/day", "user": "1/day", "part": "1/day"}
PAIRS = {
    stock.AnonRateThrottle: ours.TenantAnonRateThrottle,
    stock.UserRateThrottle: ours.TenantUserRateThrottle,
    stock.ScopedRateThrottle: ours.TenantScopedRateThrottle,
}


class Part(APIView):
    throttle_scope = "part"


@pytest.fixture(autouse=True)
def one_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock.SimpleRateThrottle, "THROTTLE_RATES", RATES)
    cache.clear()


def allowed(throttle: type[stock.BaseThrottle], user: Any) -> list[bool]:
    """Whether one request in each of two tenants and on the public site, and another in the first, are allowed."""
    return [asked(throttle, user, place) for place in (*map(tenant_context, ("acme", "bolt")), public_context())] + [
        asked(throttle, user, tenant_context("acme"))
    ]


def asked(throttle: type[stock.BaseThrottle], user: Any, place: Any) -> bool:
    with place:
        request = Request(RequestFactory().get("/"))
        member: Any = find_member(user.pk) if user else AnonymousUser()
        request.user = member
        return bool(throttle().allow_request(request, Part()))


@pytest.mark.parametrize("kind", PAIRS)
def test_nobody_from_one_address_has_a_budget_in_each_tenant(kind: Any, acme: Any, bolt: Any) -> None:
    assert allowed(PAIRS[kind], None) == [True, True, True, False]
    cache.clear()
    assert allowed(kind, None) == [True, False, False, False], "the control"


@pytest.mark.parametrize("kind", list(PAIRS)[1:])
def test_a_person_has_a_budget_in_each_tenant(kind: Any, bob: Any) -> None:
    assert allowed(PAIRS[kind], bob) == [True, True, True, False]
    cache.clear()
    assert allowed(kind, bob) == [True, False, False, False], "the control"


def test_who_is_somebody_is_not_counted_by_address(bob: Any) -> None:
    assert allowed(ours.TenantAnonRateThrottle, bob) == [True, True, True, True]


def test_nothing_is_counted_while_it_is_undecided_for_whom() -> None:
    with pytest.raises(NoTenantError):
        asked(ours.TenantAnonRateThrottle, None, fixed_context(UNDECIDED_PLACE))
