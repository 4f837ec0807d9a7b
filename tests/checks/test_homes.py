"""Models without a home, and relations that leave it, are told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from multi_tenant.checks import homes
from multi_tenant.references import PublicForeignKey
from tests.checks.conftest import Found
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import Country
from tests.testapp.library.models import Author

FIELDS: dict[str, Any] = {
    "foreign key": models.ForeignKey,
    "one to one": models.OneToOneField,
    "many to many": models.ManyToManyField,
    "reference": PublicForeignKey,
}


def declared(app: str, target: Any, relation: str) -> type[models.Model]:
    """A model in an app, with a relation to another."""
    meta = type("Meta", (), {"app_label": app, "proxy": relation == "proxy"})
    names: dict[str, Any] = {"__module__": __name__, "Meta": meta}
    if relation not in FIELDS:  # it derives from the other
        return type("Declared", (target,), names)
    options = {} if relation == "many to many" else {"on_delete": models.CASCADE}
    return type("Declared", (models.Model,), {**names, "other": FIELDS[relation](target, related_name="+", **options)})


relations = pytest.mark.parametrize("relation", ["foreign key", "one to one", "many to many", "parent", "proxy"])


@relations
def test_a_relation_from_tenants_to_public_is_told(relation: str) -> None:
    with isolate_apps("tests.testapp.library"):
        [message] = homes.relation_findings(declared("library", Plan, relation))
    assert message.id == "multi_tenant.E010"
    assert "billing.Plan" in message.msg
    assert "tests.testapp.billing" in str(message.hint)


@relations
def test_a_relation_from_public_to_tenants_is_told(relation: str) -> None:
    with isolate_apps("tests.testapp.billing"):
        [message] = homes.relation_findings(declared("billing", Author, relation))
    assert message.id == "multi_tenant.E011"


@relations
@pytest.mark.parametrize(("target", "name"), [(Plan, "E010"), (Author, "E011")])
def test_a_model_of_both_needs_both(relation: str, target: Any, name: str) -> None:
    with isolate_apps("tests.testapp.common"):
        [message] = homes.relation_findings(declared("common", target, relation))
    assert message.id == f"multi_tenant.{name}"


@relations
@pytest.mark.parametrize(("app", "target"), [("library", Author), ("billing", Plan)])
def test_a_relation_within_one_place_is_fine(relation: str, app: str, target: Any) -> None:
    with isolate_apps(f"tests.testapp.{app}"):
        assert list(homes.relation_findings(declared(app, target, relation))) == []


def test_a_foreign_key_from_tenants_to_public_has_a_cure() -> None:
    with isolate_apps("tests.testapp.library"):
        [message] = homes.relation_findings(declared("library", Plan, "foreign key"))
    assert "multi_tenant.references.PublicForeignKey" in str(message.hint)


@pytest.mark.parametrize(
    ("app", "target", "names"),
    [
        ("library", Plan, []),
        ("common", Plan, []),
        ("library", Author, ["E021"]),
        ("common", Country, ["E021"]),
        ("billing", Plan, ["E022"]),
    ],
)
def test_a_reference_leads_from_tenants_to_public(app: str, target: Any, names: list[str]) -> None:
    with isolate_apps(f"tests.testapp.{app}"):
        found = list(homes.relation_findings(declared(app, target, "reference")))
    assert [message.id for message in found] == [f"multi_tenant.{name}" for name in names]


def test_auth_without_contenttypes_in_the_same_place_is_told(configure: Any, found: Found) -> None:
    configure(TENANT_APPS=["django.contrib.auth", "tests.testapp.library"])
    message = found()["E010"]
    assert "auth.Permission.content_type" in message.msg
    assert message.hint == "List django.contrib.contenttypes in both SHARED_APPS and TENANT_APPS."


def test_an_app_without_a_home_is_told(configure: Any, settings: Any, found: Found) -> None:
    shared = settings.MULTI_TENANT["SHARED_APPS"]
    configure(SHARED_APPS=[app for app in shared if app != "tests.testapp.billing"])
    message = found()["E004"]
    assert "tests.testapp.billing" in message.msg
    assert "SHARED_APPS" in str(message.hint)


def test_an_app_without_models_needs_none(settings: Any, found: Found) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
    assert found() == {}
