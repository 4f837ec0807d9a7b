"""Migrations know a reference as a column of a certain type, and nothing of the table that it leads to."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from multi_tenant.context import tenant_context
from multi_tenant.references import PublicForeignKey, PublicKey
from tests.testapp.billing.models import Offer, Plan, Sponsor
from tests.testapp.library.models import Card

FIELDS = [Card._meta.get_field(name) for name in ("plan", "sponsor", "offer")]


def test_nothing_is_left_to_migrate(db: None) -> None:
    call_command("makemigrations", "library", "billing", check=True, dry_run=True, stdout=StringIO())


def test_a_migration_depends_on_no_app_that_tenants_lack() -> None:
    state = ProjectState()
    state.add_model(ModelState.from_model(Card))
    asked = MigrationQuestioner(specified_apps={"library"})
    [migration] = MigrationAutodetector(ProjectState(), state, asked).changes(graph=MigrationGraph())["library"]
    assert migration.dependencies == []


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_what_migrations_keep_is_the_same_column(field: Any, db: None) -> None:
    kept = field.clone()
    kept.set_attributes_from_name(field.name)
    assert isinstance(kept, PublicKey)
    assert kept.db_parameters(connection)["type"] == field.db_parameters(connection)["type"]
    for name in ("attname", "column", "db_index", "null", "blank"):
        assert getattr(kept, name) == getattr(field, name)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_what_is_kept_is_written_and_read(field: Any) -> None:
    text, imports = MigrationWriter.serialize(field.clone())
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)
    again = eval(text, names)
    assert again.deconstruct()[1:2] == field.clone().deconstruct()[1:2]
    assert MigrationWriter.serialize(again) == (text, imports)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_field_is_made_again_of_its_parts(field: Any) -> None:
    _, path, args, options = field.deconstruct()
    again = PublicForeignKey(*args, **options)
    assert path == "multi_tenant.references.PublicForeignKey"
    assert again.deconstruct()[1:] == (path, args, options)


@isolate_apps("tests.testapp.library")
@pytest.mark.parametrize(
    ("key", "column"),
    [
        (models.AutoField(primary_key=True), models.IntegerField),
        (models.SmallAutoField(primary_key=True), models.SmallIntegerField),
        (models.PositiveIntegerField(primary_key=True), models.PositiveIntegerField),
        (models.OneToOneField(Sponsor, models.CASCADE, primary_key=True), models.UUIDField),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_column_has_the_type_of_the_key(key: models.Field[Any, Any], column: type[models.Field[Any, Any]]) -> None:
    field: Any = PublicForeignKey(declared("Target", key), models.PROTECT)
    declared("Holder", field)
    kept = field.clone()
    assert type(kept.key) is column
    assert not kept.key.primary_key
    assert kept.db_parameters(connection)["type"] == field.db_parameters(connection)["type"]


def declared(name: str, field: models.Field[Any, Any]) -> Any:
    """A model with a field."""
    meta = type("Meta", (), {"app_label": "library"})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, "it": field})


def test_a_data_migration_sees_the_keys(card: Card, plan: Plan, sponsor: Sponsor) -> None:
    historical: Any = MigrationLoader(None).project_state().apps.get_model("library", "Card")
    row = historical.objects.get()
    assert (row.plan_id, row.sponsor_id, row.offer_id) == (plan.pk, sponsor.pk, "spring")
    historical.objects.filter(sponsor=sponsor.pk).update(offer=None)
    historical.objects.create(holder="Cid", plan_id=plan.pk, sponsor_id=str(sponsor.pk))
    assert Card.objects.filter(sponsor=sponsor, offer=None).count() == 2


@pytest.mark.parametrize("layout", ["json", "xml"])
def test_rows_are_dumped_and_loaded_by_key(card: Card, tmp_path: Any, other_tenant: Any, layout: str) -> None:
    dump = tmp_path / f"cards.{layout}"
    call_command("dumpdata", "library.Card", output=str(dump), format=layout, verbosity=0)
    rows = [card.plan, card.sponsor, card.offer]
    with tenant_context(other_tenant, switch=True):
        call_command("loaddata", str(dump), verbosity=0)
        found = Card.objects.get()
        assert [found.plan, found.sponsor, found.offer] == rows


def test_a_row_whose_public_row_is_gone_is_dumped(card: Card) -> None:
    Offer.objects.all()._raw_delete("public")
    [found] = serializers.deserialize("python", serializers.serialize("python", Card.objects.all()))
    assert found.object.offer_id == "spring"  # type: ignore[attr-defined]  # a card's
