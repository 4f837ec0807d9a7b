"""Queries of tenants take public rows for their keys, and join nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import DatabaseError
from django.db.models import Count, F, Q

from multi_tenant.references import PublicForeignKey, lookups
from multi_tenant.references.options import JoinlessOptions
from tests.promises.control import Without, all_of, guarded_by
from tests.testapp.billing.models import Offer, Plan, Sponsor
from tests.testapp.library.models import Author, Book, Card

FILTERS: dict[str, Callable[[Plan], Any]] = {
    "object": lambda plan: Q(plan=plan),
    "key": lambda plan: Q(plan=plan.pk),
    "attname": lambda plan: Q(plan_id=plan.pk),
    "pk": lambda plan: Q(plan__pk=plan.pk),
    "exact on the key": lambda plan: Q(plan__id__exact=plan.pk),
    "objects": lambda plan: Q(plan__in=[plan]),
    "keys": lambda plan: Q(plan__in=[plan.pk, 7]),
    "not null": lambda plan: Q(plan__isnull=False),
    "queryset": lambda plan: Q(plan__in=Plan.objects.filter(name="small")),
    "sliced queryset": lambda plan: Q(plan__in=Plan.objects.order_by("-name")[:1]),
    "values": lambda plan: Q(plan__in=Plan.objects.values("pk")),
    "one row": lambda plan: Q(plan=Plan.objects.order_by("-name")[:1]),
    "attname in": lambda plan: Q(plan_id__in=Plan.objects.filter(name="small")),
    "not": lambda plan: ~Q(plan__in=Plan.objects.exclude(name="small")),
    "uuid": lambda plan: Q(sponsor__in=Sponsor.objects.filter(name="Ann")),
    "to_field": lambda plan: Q(offer__in=Offer.objects.filter(sponsor__name="Ann")),
    "object by to_field": lambda plan: Q(offer=Offer.objects.get()),
    "own subquery": lambda plan: Q(plan__in=Card.objects.values("plan")),
    "greater": lambda plan: Q(plan__gte=plan),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_finds_the_rows(card: Card, plan: Plan, name: str) -> None:
    Plan.objects.create(name="large")
    condition = FILTERS[name](plan)
    assert Card.objects.get(condition) == card
    assert not Card.objects.exclude(condition).exists()


NOTHING = {
    "none": lambda: Q(plan__in=Plan.objects.none()),
    "no rows": lambda: Q(plan__in=Plan.objects.filter(pk=0)),
    "not one row": lambda: Q(plan=Plan.objects.filter(pk=0)[:1]),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_filter_by_no_public_row_finds_nothing(card: Card, name: str) -> None:
    condition = NOTHING[name]()
    assert not Card.objects.filter(condition).exists()
    assert Card.objects.exclude(condition).get() == card


@guarded_by(Without(lookups, "is_public", lambda value: False))
def test_a_queryset_of_public_rows_is_no_subquery(card: Card) -> None:
    Plan.objects.create(name="large")
    sql = str(Card.objects.filter(plan__in=Plan.objects.filter(name="small")).query)
    assert "billing_plan" not in sql


def test_a_queryset_is_run_when_the_query_is(card: Card, plan: Plan) -> None:
    rows = Card.objects.filter(plan__in=Plan.objects.filter(name="large"))
    assert not rows.exists()
    Plan.objects.update(name="large")
    assert rows.exists()


def test_the_wrong_model_is_refused(card: Card) -> None:
    with pytest.raises(ValueError, match="Plan"):
        CARDS.objects.filter(plan=Author(pk=1))
    with pytest.raises(ValueError, match="Plan"):
        CARDS.objects.filter(plan__in=Author.objects.all())


#: The model, for what its types refuse, too.
CARDS: Any = Card
JOINS: dict[str, Callable[[], Any]] = {
    "filter": lambda: CARDS.objects.filter(plan__name="small"),
    "lookup": lambda: CARDS.objects.filter(plan__name__startswith="s"),
    "exclude": lambda: CARDS.objects.exclude(offer__sponsor__name="Ann"),
    "order": lambda: CARDS.objects.order_by("plan__name"),
    "values": lambda: CARDS.objects.values("plan__name"),
    "expression": lambda: CARDS.objects.annotate(title=F("plan__name")),
    "aggregate": lambda: CARDS.objects.values("pk").annotate(Count("plan__name")),
}


def explained(call: Callable[[], Any]) -> bool:
    """Whether a query is refused with the cure, before a database sees it."""
    try:
        list(call())
    except FieldError as exc:
        return "prefetch_related" in str(exc)
    except DatabaseError:
        return False
    return False


def any_column(self: Any, name: str) -> Any:
    return self._options.get_field(name)


#: What is left when nobody else refuses a join.
may_join = Without(PublicForeignKey, "get_extra_restriction")
may_name = Without(JoinlessOptions, "get_field", any_column)
may_select = Without(PublicForeignKey, "is_joinable", True)


def nobody_minds() -> AbstractContextManager[None]:
    """Columns of the public table can be named and joined."""
    return all_of(may_join, may_name, may_select)


@guarded_by(nobody_minds)
@pytest.mark.parametrize("name", JOINS)
def test_a_column_of_the_public_table_is_refused(card: Card, name: str) -> None:
    assert explained(JOINS[name])


@guarded_by(may_join)
def test_whatever_would_join_all_the_same_is_refused(card: Card) -> None:
    with may_name():
        assert explained(JOINS["filter"])


@guarded_by(nobody_minds)
@pytest.mark.parametrize("path", ["plan", "offer__sponsor"])
def test_a_join_that_is_asked_for_is_refused(card: Card, path: str) -> None:
    assert explained(lambda: Card.objects.select_related(path))


#: Django 6.1 would have the fields named.
without_names = pytest.mark.filterwarnings("ignore:Calling select_related")


@without_names
def test_a_bare_select_related_passes_it_by(card: Card) -> None:
    assert Card.objects.select_related().get() == card


@without_names
def test_other_relations_are_selected_as_ever(in_tenant: Any) -> None:
    """The control."""
    Book.objects.create(title="Emma", author=Author.objects.create(name="Jane"))
    assert Book.objects.select_related("author").get().author.name == "Jane"
    assert Book.objects.select_related().get().author.name == "Jane"


def test_an_unknown_name_is_refused(card: Card) -> None:
    with pytest.raises(FieldError, match="nonsense"):
        Card.objects.filter(plan__nonsense=1)


def test_rows_are_ordered_and_counted_by_key(card: Card, plan: Plan, sponsor: Sponsor) -> None:
    Card.objects.create(holder="Cid", plan=plan)
    assert list(Card.objects.values_list("plan").annotate(Count("pk"))) == [(plan.pk, 2)]
    assert list(Card.objects.order_by("-sponsor", "pk").values_list("plan", flat=True)) == [plan.pk, plan.pk]
    assert Card.objects.aggregate(Count("sponsor")) == {"sponsor__count": 1}


def test_rows_are_updated_and_made_by_public_rows(card: Card, plan: Plan) -> None:
    large = Plan.objects.create(name="large")
    assert Card.objects.update(plan=large) == 1
    assert Card.objects.get_or_create(plan=large, defaults={"holder": "Eve"}) == (card, False)
    Card.objects.bulk_create([Card(holder="Flo", plan=plan)])
    assert Card.objects.get(plan=plan).holder == "Flo"


def test_a_row_is_deferred_and_refreshed(card: Card, plan: Plan) -> None:
    assert Card.objects.only("holder").get().plan == plan
    assert Card.objects.only("plan").get().plan == plan
    Card.objects.update(plan=Plan.objects.create(name="large"))
    card.refresh_from_db()
    assert card.plan.name == "large"
