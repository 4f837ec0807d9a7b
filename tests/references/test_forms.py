"""Forms and the admin choose among public rows."""

from __future__ import annotations

import uuid
from typing import Any

import django
import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect, ForeignKeyRawIdWidget, RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.test import RequestFactory

from tests.testapp.billing.models import Plan, Sponsor
from tests.testapp.library.models import Card


class CardForm(forms.ModelForm):  # type: ignore[type-arg]  # it takes none when it runs
    class Meta:
        model = Card
        fields = ("holder", "plan", "sponsor", "offer")


def test_a_form_saves_the_public_row_that_is_chosen(in_tenant: Any, plan: Plan, sponsor: Sponsor, offer: Any) -> None:
    form = CardForm({"holder": "Bob", "plan": plan.pk, "sponsor": str(sponsor.pk), "offer": "spring"})
    assert form.is_valid(), form.errors
    saved = Card.objects.get(pk=form.save().pk)
    assert (saved.plan, saved.sponsor, saved.offer) == (plan, sponsor, offer)


def test_a_form_offers_the_rows_that_limits_allow(in_tenant: Any, plan: Plan, sponsor: Sponsor) -> None:
    Sponsor.objects.create(name="Eve", active=False)
    form: Any = CardForm()
    assert list(form.fields["plan"].queryset) == [plan]
    assert [str(label) for _, label in form.fields["sponsor"].choices][1:] == ["Ann"]
    assert form.fields["plan"].queryset.db == "public"


@pytest.mark.parametrize("value", ["12345", "nonsense", ""])
def test_a_form_refuses_what_is_not_in_the_public_database(in_tenant: Any, plan: Plan, value: str) -> None:
    assert list(CardForm({"holder": "Bob", "plan": value}).errors) == ["plan"]


def test_a_model_is_validated_against_the_public_database(card: Card) -> None:
    card.full_clean()
    card.plan_id, card.sponsor_id = 12345, uuid.uuid4()
    with pytest.raises(ValidationError) as caught:
        card.full_clean()
    assert sorted(caught.value.message_dict) == ["plan", "sponsor"]


def test_a_model_is_validated_against_its_limits(card: Card) -> None:
    Sponsor.objects.update(active=False)
    with pytest.raises(ValidationError):
        card.full_clean()


class CardAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("holder", "plan", "sponsor")
    list_select_related = () if django.VERSION >= (6, 1) else False  # as the how-to says
    list_filter = ("plan",)
    raw_id_fields = ("offer",)
    autocomplete_fields = ("sponsor",)


class PlainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    search_fields = ("pk",)


class Staff:
    """Somebody who may do everything."""

    is_active = is_staff = True

    def has_perm(self, name: str, obj: Any = None) -> bool:
        return True


@pytest.fixture
def card_admin() -> CardAdmin:
    site = admin.AdminSite()
    for model in (Plan, Sponsor, Card._meta.get_field("offer").related_model):
        site.register(model, PlainAdmin)
    site.register(Card, CardAdmin)
    found: Any = site.get_model_admin(Card)
    return found  # type: ignore[no-any-return]  # as above


def request(**query: str) -> Any:
    made: Any = RequestFactory().get("/", query)
    made.user = Staff()
    return made


def test_the_admins_checks_find_nothing(card_admin: CardAdmin) -> None:
    assert card_admin.check() == []


def test_the_admin_has_its_widgets_for_it(card_admin: CardAdmin, card: Card) -> None:
    form: Any = card_admin.get_form(request())(instance=card)
    widgets = [form.fields[name].widget for name in ("plan", "sponsor", "offer")]
    assert [type(each) for each in widgets] == [
        RelatedFieldWidgetWrapper,
        RelatedFieldWidgetWrapper,
        ForeignKeyRawIdWidget,
    ]
    assert isinstance(widgets[1].widget, AutocompleteSelect)
    assert [str(label) for _, label in widgets[0].widget.choices][1:] == ["small"]
    assert "Ann" in str(widgets[1].widget.optgroups("sponsor", [str(card.sponsor_id)]))
    assert widgets[2].label_and_url_for_value("spring")[0] == "spring"


def listed(card_admin: CardAdmin, **query: str) -> list[Card]:
    changes: ChangeList = card_admin.get_changelist_instance(request(**query))
    return list(changes.result_list)


def test_the_admin_lists_rows_without_a_join(card_admin: CardAdmin, card: Card, plan: Plan) -> None:
    large = Plan.objects.create(name="large")
    assert listed(card_admin) == listed(card_admin, o="2.3") == [card]
    assert listed(card_admin, plan__id__exact=str(plan.pk)) == [card]
    assert listed(card_admin, plan__id__exact=str(large.pk)) == []
