"""Relations of models that live in one place to models that live in both end at rows of their own database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from operator import methodcaller
from typing import Any

import pytest
from django.db import DatabaseError, connections, models
from django.test.utils import isolate_apps

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import MultiTenantError, WrongTenantError
from multi_tenant.routing import deletion, router, settling
from tests.promises.control import Without, all_of, guard_off, guarded_by, refused

KEY = 7


class World:
    """Models of an app in both places, of one in the public database and of one in tenants, with a row of each."""

    def __init__(self) -> None:
        class Person(models.Model):
            name = models.CharField(max_length=10)

            class Meta:
                app_label = "common"

        class Invoice(models.Model):
            person = models.ForeignKey(Person, models.CASCADE)

            class Meta:
                app_label = "billing"

        class Loan(models.Model):
            person = models.ForeignKey(Person, models.SET_NULL, null=True)

            class Meta:
                app_label = "library"

        self.Person: Any = Person
        self.Invoice: Any = Invoice
        self.Loan: Any = Loan


@contextmanager
def tables(*of: Any) -> Iterator[None]:
    """The tables of models, at the active place."""
    with connections["default"].schema_editor() as editor:
        for model in of:
            editor.create_model(model)
    yield
    with connections["default"].schema_editor() as editor:
        for model in reversed(of):
            editor.delete_model(model)


@pytest.fixture
def world(transactional_db: None, tenant: Any) -> Iterator[World]:
    with isolate_apps("tests.testapp.common", "tests.testapp.billing", "tests.testapp.library"), ExitStack() as stack:
        found = World()
        with public_context():
            stack.enter_context(tables(found.Person, found.Invoice))
            found.Invoice.objects.create(person=found.Person.objects.create(pk=KEY, name="public"))
        stack.enter_context(tenant_context(tenant))
        stack.enter_context(tables(found.Person, found.Loan))
        found.Loan.objects.create(person=found.Person.objects.create(pk=KEY, name="tenant"))
        yield found


def unrelated(model: Any, instance: Any) -> str:
    """The alias of a model's rows, whatever they are related to."""
    return router.home_alias(model)


def nobody_relates() -> AbstractContextManager[None]:
    """Neither the router nor the guard asks what an object is related to."""
    return all_of(Without(router, "related_alias", unrelated), guard_off)


def keys_alone() -> AbstractContextManager[None]:
    """Neither the router nor a field asks what an object is related to."""
    return all_of(Without(router, "related_alias", unrelated), Without(settling, "check_belongs"))


@guarded_by(keys_alone)
def test_a_public_row_points_to_a_public_row_inside_a_tenant(world: World) -> None:
    invoices = world.Invoice.objects
    names = [invoices.get().person.name, *(each.person.name for each in invoices.prefetch_related("person"))]
    assert names == ["public", "public"] == [each.person.name for each in invoices.select_related("person")] * 2


@guarded_by(nobody_relates)
@pytest.mark.parametrize("ask", ["count", "delete"])
def test_a_tenants_row_has_nothing_to_do_with_rows_of_the_public_database(world: World, ask: str) -> None:
    person = world.Person.objects.get()
    assert refused(WrongTenantError, lambda: methodcaller(ask)(person.invoice_set.all()))
    assert refused(WrongTenantError, lambda: methodcaller(ask)(person.invoice_set.using("default")))


def test_a_tenants_row_has_rows_of_its_own_tenant(world: World) -> None:
    """The control."""
    assert world.Person.objects.get().loan_set.count() == 1


def deleted(what: Any) -> bool:
    """Whether rows or an object, and what depends on them, can be deleted."""
    try:
        what.delete()
    except (DatabaseError, MultiTenantError):
        return False
    return True


@guarded_by(Without(deletion, "has_table", lambda alias, model: True))
def test_a_row_of_a_tenant_is_deleted_where_the_tables_of_shared_models_are_not(world: World) -> None:
    assert deleted(world.Person.objects.all())
    assert world.Loan.objects.get().person_id is None


@guarded_by(Without(deletion, "has_table", lambda alias, model: True))
def test_a_public_row_is_deleted_where_the_tables_of_tenants_are_not(world: World) -> None:
    assert deleted(world.Person.objects.using("public"))
    assert not world.Invoice.objects.exists()
    assert world.Person.objects.get().name == "tenant"


@guarded_by(Without(deletion, "has_table", lambda alias, model: True))
def test_an_object_is_deleted_like_rows(world: World) -> None:
    with public_context():
        assert deleted(world.Person.objects.get())
    assert not world.Invoice.objects.exists()
