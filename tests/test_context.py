"""The public names for places: what they take, what they answer, what they refuse."""

from __future__ import annotations

import functools
import inspect
import pickle
from typing import Any

import pytest

import multi_tenant
from multi_tenant import context
from multi_tenant.context import (
    PUBLIC_PLACE,
    Place,
    active_place,
    current_alias,
    current_tenant,
    public_context,
    record_context,
    tenant_bound,
    tenant_context,
)
from multi_tenant.exceptions import MultiTenantError, TenantUnavailableError, UnknownTenantError
from multi_tenant.models import Tenant
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import TenantState
from multi_tenant.registry.store import store
from tests.promises.places import in_thread, undecided

pytestmark = pytest.mark.django_db


def test_the_front_door_has_the_names_of_context_and_exceptions() -> None:
    for name in ("tenant_context", "public_context", "current_alias", "current_tenant", "tenant_bound"):
        assert getattr(multi_tenant, name) is getattr(context, name)
    assert issubclass(multi_tenant.NoTenantError, MultiTenantError)


def test_none_is_no_tenant() -> None:
    with pytest.raises(MultiTenantError, match="public_context"):
        tenant_context(current_tenant())


@pytest.mark.parametrize("kind", ["alias", "row", "record"])
def test_a_tenant_is_given_by_alias_row_or_record(kind: str, acme: Tenant) -> None:
    given: Any = {"alias": "acme", "row": acme, "record": store.get("acme")}[kind]
    with tenant_context(given) as nothing:
        assert (current_alias(), nothing) == ("acme", None)
        record = current_tenant()
    assert record == store.get("acme")


def test_the_same_tenant_is_entered_again_without_a_word(acme: Tenant) -> None:
    with tenant_context(acme), tenant_context("acme"), tenant_context(store.get("acme")):
        assert current_alias() == "acme"


def test_operators_come_to_a_tenant_that_is_not_active_and_stay(acme: Tenant) -> None:
    Tenant.objects.update(state=TenantState.SUSPENDED)
    with tenant_context("acme", any_state=True):
        with tenant_context("acme"):
            assert current_alias() == "acme"
        record = current_tenant()
        assert record is not None
        assert record.state == TenantState.SUSPENDED


def test_who_is_inside_needs_any_state_anew(acme: Tenant) -> None:
    with tenant_context("acme"):
        Tenant.objects.update(state=TenantState.SUSPENDED)
        with tenant_context("acme", any_state=True):
            assert current_tenant() is not None
        with pytest.raises(TenantUnavailableError):
            current_tenant()


def test_another_row_of_the_same_alias_is_not_the_same_tenant(acme: Tenant) -> None:
    stranger = Tenant(alias="acme")
    with tenant_context(acme), pytest.raises(UnknownTenantError):
        tenant_context(stranger).__enter__()


@pytest.mark.parametrize("place", [undecided, public_context])
def test_public_is_no_tenant_wherever_one_is(place: Any) -> None:
    with place(), pytest.raises(UnknownTenantError):
        tenant_context("public").__enter__()


def test_public_is_reached_from_everywhere(acme: Tenant) -> None:
    for place in (undecided(), public_context(), tenant_context(acme)):
        with place, public_context():
            assert current_alias() == "public"


def test_decorated_functions_keep_their_names_and_kinds(acme: Tenant) -> None:
    def plain() -> str | None:
        """Its text."""
        return current_alias()

    async def coroutine() -> None: ...

    def generator() -> Any:
        yield

    async def async_generator() -> Any:
        yield

    bound = tenant_context(acme)(plain)
    assert (bound.__name__, bound.__doc__, bound()) == ("plain", "Its text.", "acme")
    assert inspect.iscoroutinefunction(tenant_context(acme)(coroutine))
    assert inspect.isgenerator(tenant_context(acme)(generator)())
    assert inspect.isasyncgen(tenant_context(acme)(async_generator)())


def test_public_context_decorates_too(acme: Tenant) -> None:
    with tenant_context(acme):
        assert public_context()(current_alias)() == "public"


def test_a_partial_can_be_bound(acme: Tenant) -> None:
    with tenant_context(acme):
        bound = tenant_bound(functools.partial(current_alias))
    assert bound() == "acme"


def test_a_bound_function_can_be_sent_to_another_process(acme: Tenant) -> None:
    with tenant_context(acme):
        bound = tenant_bound(current_alias)
    sent: Any = pickle.loads(pickle.dumps(bound))
    assert (sent(), sent.__name__, sent.__doc__) == ("acme", "current_alias", current_alias.__doc__)


def test_a_bound_coroutine_function_is_one_still(acme: Tenant) -> None:
    class Asks:
        async def __call__(self) -> str | None:
            return current_alias()

    async def ask() -> str | None:
        return current_alias()

    with tenant_context(acme):
        kinds = [inspect.iscoroutinefunction(tenant_bound(function)) for function in (ask, Asks())]
    assert kinds == [True, True]


def test_a_bound_function_that_was_sent_knows_no_secret(acme: Tenant) -> None:
    record = TenantRecord("template", None, "", "provisioning", acme.entry(), marked=False)
    with record_context(record):
        bound = tenant_bound(current_alias)
    assert b"ENGINE" not in pickle.dumps(bound)


@pytest.mark.django_db(transaction=True)
def test_a_bound_function_keeps_what_operators_may(acme: Tenant) -> None:
    Tenant.objects.update(state=TenantState.SUSPENDED)
    with tenant_context("acme", any_state=True):
        bound = tenant_bound(current_alias)
    assert in_thread(bound) == "acme"


def test_a_bound_function_refuses_a_new_tenant_of_the_old_alias(acme: Tenant) -> None:
    with tenant_context(acme):
        bound = tenant_bound(current_alias)
    Tenant.objects.filter(pk=acme.pk).delete()
    Tenant.objects.create(alias="acme", state=TenantState.ACTIVE)
    with pytest.raises(UnknownTenantError):
        bound()


def test_a_record_that_the_registry_does_not_know_is_a_place(acme: Tenant) -> None:
    record = TenantRecord("template", None, "", "provisioning", acme.entry(), marked=False)
    with record_context(record):
        assert current_alias() == "template"
        assert current_tenant() is None
        assert context.record_at(active_place.get()) is record
        assert in_thread(tenant_bound(current_alias)) == "template"


def test_places_are_told_apart() -> None:
    assert [place.is_tenant for place in (Place(None), PUBLIC_PLACE, Place("acme"))] == [False, False, True]


def test_a_context_that_cannot_be_entered_can_be_tried_again(acme: Tenant) -> None:
    Tenant.objects.update(state=TenantState.SUSPENDED)
    entered = tenant_context("acme")
    with pytest.raises(TenantUnavailableError):
        entered.__enter__()
    Tenant.objects.update(state=TenantState.ACTIVE)
    with entered:
        assert current_alias() == "acme"
