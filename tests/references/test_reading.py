"""A tenant's row gives the public row that it points to, and takes public rows alone."""

from __future__ import annotations

import pickle
from contextlib import AbstractContextManager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections, models
from django.db.models import Prefetch
from django.test.utils import CaptureQueriesContext, isolate_apps

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.references import PublicForeignKey, descriptor, field
from tests.promises.control import Without, all_of, guarded_by, refused
from tests.testapp.billing.models import Offer, Plan, Sponsor
from tests.testapp.library.models import Author, Card


def on_public() -> CaptureQueriesContext:
    """What is asked of the public database in a block."""
    return CaptureQueriesContext(connections["public"])


def test_a_reference_is_read_from_the_public_database_once(card: Card, plan: Plan) -> None:
    with on_public() as queries:
        assert card.plan == card.plan == plan
    assert len(queries) == 1
    assert card.plan._state.db == "public"


def test_each_type_of_key_leads_to_its_row(card: Card, sponsor: Sponsor, offer: Offer) -> None:
    assert (card.sponsor, card.offer) == (sponsor, offer)
    assert (card.sponsor_id, card.offer_id) == (sponsor.pk, "spring")


def test_an_empty_reference_asks_nothing(card: Card) -> None:
    card.sponsor_id = None
    with on_public() as queries:
        assert card.sponsor is None
    assert len(queries) == 0


def test_a_new_key_leads_to_another_row(card: Card, plan: Plan) -> None:
    other = Plan.objects.create(name="large")
    assert card.plan == plan
    card.plan_id = other.pk
    assert card.plan == other


def test_coroutines_await_the_row(card: Card, plan: Plan) -> None:
    async def read() -> Any:
        return await card.aget_plan(), card.plan  # type: ignore[attr-defined]  # made by the field

    assert async_to_sync(read)() == (plan, plan)  # a query would be refused the second time


@isolate_apps("tests.testapp.library")
def test_a_method_of_the_models_own_stays() -> None:
    class Badge(models.Model):
        plan: Any = PublicForeignKey(Plan, models.PROTECT)
        aget_plan = "its own"

        class Meta:
            app_label = "library"

    assert Badge.aget_plan == "its own"


def test_an_assigned_row_is_saved_by_its_key(card: Card, sponsor: Sponsor) -> None:
    card.sponsor, card.offer = sponsor, None
    with on_public() as queries:
        assert card.sponsor is sponsor
        card.save()
    assert len(queries) == 0
    assert list(Card.objects.values("sponsor", "offer")) == [{"sponsor": sponsor.pk, "offer": None}]


@pytest.mark.parametrize("value", [Plan(name="new"), Plan(pk=7), 7, Author(name="Eve")], ids=repr)
def test_what_is_no_saved_row_is_not_assigned(card: Card, value: Any) -> None:
    with pytest.raises(ValueError, match=r"library\.Card\.plan"):
        card.plan = value


def stock_set(self: Any, instance: Any, value: Any) -> None:
    setattr(instance, self.field.attname, value.pk)


@guarded_by(Without(descriptor.PublicReference, "__set__", stock_set))
def test_a_row_of_another_database_is_not_assigned(card: Card) -> None:
    elsewhere = Plan(pk=7)
    elsewhere._state.db, elsewhere._state.adding = "other", False
    assert refused(WrongTenantError, lambda: setattr(card, "plan", elsewhere))


def nobody_asks() -> AbstractContextManager[None]:
    """Neither the attribute nor the field asks whose an object is."""
    return all_of(Without(descriptor, "check_at_home"), Without(field, "check_not_foreign"))


@guarded_by(nobody_asks)
def test_an_object_of_another_tenant_is_not_followed(card: Card, other_tenant: Any) -> None:
    def follow() -> None:
        card.plan  # noqa: B018  # reading it is what is tested

    with tenant_context(other_tenant, switch=True):
        assert refused(WrongTenantError, follow)


def test_a_row_that_is_gone_is_told(card: Card) -> None:
    card.plan_id = 12345
    with pytest.raises(Plan.DoesNotExist, match=r"12345.*find_dangling_references"):
        card.plan  # noqa: B018  # as above
    assert not hasattr(card, "plan")


def test_prefetching_takes_one_query(card: Card, plan: Plan) -> None:
    Card.objects.create(holder="Cid", plan=plan)
    Card.objects.create(holder="Dee", plan=Plan.objects.create(name="large"))
    with on_public() as queries:
        names = [each.plan.name for each in Card.objects.order_by("holder").prefetch_related("plan")]
    assert names == ["small", "small", "large"]
    assert len(queries) == 1


def test_prefetching_goes_on_from_the_public_row(card: Card, sponsor: Sponsor) -> None:
    with on_public() as queries:
        [found] = Card.objects.prefetch_related("offer__sponsor", "sponsor__offers")
        assert found.offer.sponsor == found.sponsor == sponsor
        assert [each.code for each in found.sponsor.offers.all()] == ["spring"]
    assert len(queries) == 4


def test_a_queryset_can_be_given_to_prefetch_from(card: Card) -> None:
    rows = Prefetch("sponsor", Sponsor.objects.filter(active=False))
    [found] = Card.objects.prefetch_related(rows)
    with pytest.raises(Sponsor.DoesNotExist):
        found.sponsor  # noqa: B018  # as above


def test_empty_references_are_prefetched_without_a_query(card: Card) -> None:
    Card.objects.update(sponsor=None)
    with on_public() as queries:
        [found] = Card.objects.prefetch_related("sponsor")
        assert found.sponsor is None
    assert len(queries) == 0


def test_an_object_is_pickled_with_what_it_points_to(card: Card, plan: Plan) -> None:
    assert card.plan == plan
    copy = pickle.loads(pickle.dumps(card))
    with on_public() as queries:
        assert copy.plan == plan
    assert len(queries) == 0


@isolate_apps("tests.testapp.common")
def test_a_row_of_a_model_of_both_places_points_to_public_from_each(tenant: Any, offer: Offer) -> None:
    class Flag(models.Model):
        offer: Any = PublicForeignKey(Offer, models.PROTECT, to_field="code", db_column="code")

        class Meta:
            app_label = "common"
            db_table = "common_country"
            managed = False

    Offer.objects.update(code="xy")
    for context in (public_context(), tenant_context(tenant)):
        with context:
            flags: Any = Flag._default_manager
            row = flags.get(pk=flags.create(offer=Offer.objects.get()).pk)
            row.full_clean()
            assert row.offer == offer
            assert flags.prefetch_related("offer").get(offer__in=Offer.objects.all()).offer == offer
