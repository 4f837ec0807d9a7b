"""When a public row is deleted, the references of all tenants to it are dealt with, or it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, models, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from multi_tenant.context import current_alias, public_context, tenant_context
from multi_tenant.exceptions import MultiTenantError
from multi_tenant.references import deletion
from multi_tenant.references.errors import ReferencedError, ReferencesLeftError, ReferencesUnknownError
from multi_tenant.references.field import PublicForeignKey
from multi_tenant.registry.models import Tenant
from multi_tenant.registry.store import store
from multi_tenant.routing.deletion import deleting
from multi_tenant.routing.wrapper import TenantConnection
from tests.promises.control import Without, guarded_by, refused
from tests.testapp.billing.models import Offer, Plan, Sponsor
from tests.testapp.library.models import Card

ONE, OTHER = "test-tenant", "test-other"
Committed = Callable[[], Any]
#: The ways to delete the rows of a model, all of which come to the same.
WAYS: dict[str, Callable[[type[models.Model]], Any]] = {
    "object": lambda model: model._default_manager.get().delete(),
    "queryset": lambda model: model._default_manager.all().delete(),
}
each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def tenants(tenant: Any, other_tenant: Any, plan: Plan) -> list[Any]:
    """Two tenants, each with a row that points to the plan and to nothing else."""
    for each in (tenant, other_tenant):
        with tenant_context(each):
            Card.objects.create(holder=each.alias, plan=plan)
    return [tenant, other_tenant]


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Committed:
    """A block after which is done what is due when the public transaction has been committed."""
    return partial(django_capture_on_commit_callbacks, using="public", execute=True)


def point(tenant: Any, **references: Any) -> None:
    """Let the rows of a tenant point to public rows."""
    with tenant_context(tenant):
        Card.objects.update(**references)


def held(tenant: Any, column: str) -> list[Any]:
    """What a column of a tenant's rows holds."""
    with tenant_context(tenant, any_state=True):
        return list(Card.objects.values_list(column, flat=True))


@contextmanager
def out_of_order(tenant: Any) -> Iterator[None]:
    """A tenant that cannot be asked, since it lacks the table."""
    lose_table(tenant)
    yield
    find_table(tenant)


def lose_table(tenant: Any) -> None:
    """Take a tenant's table away."""
    with tenant_context(tenant), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE library_card RENAME TO library_card_away")


def find_table(tenant: Any) -> None:
    """Bring it back."""
    with tenant_context(tenant), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE library_card_away RENAME TO library_card")


def nobody_looks() -> Any:
    """Deletions tell nobody."""
    return Without(deletion, "references_to", lambda collector: ())()


@guarded_by(nobody_looks)
@each_way
def test_a_protected_row_is_not_deleted(tenants: list[Any], way: str) -> None:
    assert refused(ProtectedError, lambda: WAYS[way](Plan))
    assert Plan.objects.exists()


def test_the_error_names_the_tenants_that_protect(tenants: list[Any]) -> None:
    with pytest.raises(ReferencedError, match=r"library.Card.plan.*'test-other'.*'test-tenant'") as caught:
        Plan.objects.get().delete()
    assert caught.value.aliases == (OTHER, ONE)


@guarded_by(Without(deletion, "WHOLE", {"active"}))
def test_a_suspended_tenant_protects_as_well(tenants: list[Any]) -> None:
    point(tenants[0], plan=Plan.objects.create(name="large"))
    Tenant.objects.filter(alias=OTHER).update(state="suspended")
    store.clear()
    assert refused(ReferencedError, Plan.objects.get(name="small").delete)


def test_a_row_that_nobody_points_to_is_deleted(tenants: list[Any]) -> None:
    unused = Plan.objects.create(name="unused")
    assert unused.delete() == (1, {"billing.Plan": 1})
    assert Plan.objects.filter(name="gone").delete() == (0, {})


@guarded_by(nobody_looks)
@each_way
def test_references_are_emptied(tenants: list[Any], sponsor: Sponsor, committed: Committed, way: str) -> None:
    point(tenants[0], sponsor=sponsor)
    with committed():
        WAYS[way](Sponsor)
    assert not Sponsor.objects.exists()
    assert held(tenants[0], "sponsor") == [None]
    assert held(tenants[1], "holder") == [OTHER]


@guarded_by(nobody_looks)
@each_way
def test_rows_are_deleted_with_what_they_point_to(
    tenants: list[Any], offer: Offer, committed: Committed, way: str
) -> None:
    point(tenants[0], offer=offer)
    with committed():
        WAYS[way](Offer)
    assert held(tenants[0], "holder") == []
    assert held(tenants[1], "holder") == [OTHER]


@guarded_by(nobody_looks)
def test_rows_that_go_with_others_are_seen_too(tenants: list[Any], offer: Offer, committed: Committed) -> None:
    for tenant in tenants:
        point(tenant, offer=offer, sponsor=offer.sponsor)
    with committed():
        Sponsor.objects.get().delete()
    assert held(tenants[0], "holder") == held(tenants[1], "holder") == []


@guarded_by(nobody_looks)
def test_a_deletion_inside_a_tenant_reaches_the_others(
    tenants: list[Any], sponsor: Sponsor, committed: Committed
) -> None:
    point(tenants[1], sponsor=sponsor)
    with tenant_context(tenants[0]), committed():
        sponsor.delete()
        assert current_alias() == ONE
    assert held(tenants[1], "sponsor") == [None]


@guarded_by(nobody_looks)
@pytest.mark.parametrize("model", [Sponsor, Offer])
def test_a_tenant_that_cannot_be_asked_keeps_the_row(
    tenants: list[Any], offer: Offer, committed: Committed, model: type[models.Model]
) -> None:
    for tenant in tenants:
        point(tenant, offer=offer, sponsor=offer.sponsor)
    with out_of_order(tenants[0]), committed():
        assert refused(ReferencesUnknownError, model._default_manager.get().delete)
    assert model._default_manager.exists()
    assert held(tenants[1], "offer") == ["spring"]


def test_the_error_names_the_tenants_that_cannot_be_asked(tenants: list[Any], sponsor: Sponsor) -> None:
    with (
        out_of_order(tenants[0]),
        pytest.raises(ReferencesUnknownError, match=r"'test-tenant': .*library_card") as caught,
    ):
        sponsor.delete()
    assert caught.value.aliases == (ONE,)
    assert Sponsor.objects.get() == sponsor


def test_a_tenant_that_fails_at_last_is_named_and_the_others_are_done(
    tenants: list[Any], sponsor: Sponsor, committed: Committed
) -> None:
    def delete() -> None:
        with committed():
            sponsor.delete()
            lose_table(tenants[1])

    point(tenants[0], sponsor=sponsor)
    with pytest.raises(ReferencesLeftError, match="find_dangling_references") as caught:
        delete()
    find_table(tenants[1])
    assert caught.value.aliases == (OTHER,)
    assert held(tenants[0], "sponsor") == [None]


def test_nothing_happens_to_tenants_when_the_deletion_is_rolled_back(
    tenants: list[Any], offer: Offer, committed: Committed
) -> None:
    point(tenants[0], offer=offer)
    with committed(), transaction.atomic():
        offer.delete()
        transaction.set_rollback(True)
    assert held(tenants[0], "offer") == ["spring"]


@pytest.mark.django_db(transaction=True)
def test_without_a_block_tenants_are_done_at_once(tenants: list[Any], offer: Offer) -> None:
    point(tenants[1], offer=offer)
    offer.delete()
    assert [one for one in connections.all(initialized_only=True) if is_open(one)] == []
    assert held(tenants[1], "holder") == []


def is_open(one: Any) -> bool:
    return isinstance(one, TenantConnection) and one.connection is not None


def test_what_a_tenant_protects_itself_keeps_the_row(
    tenants: list[Any], offer: Offer, committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASCADE would delete a row that others of its tenant protect."""
    point(tenants[0], offer=offer)

    def protect(self: Any, objs: Any, *args: Any, **kwargs: Any) -> None:
        raise ProtectedError("protected", set(objs))

    with monkeypatch.context() as patched:
        patched.setattr("multi_tenant.references.deletion.Collector.collect", protect)
        with pytest.raises(ReferencedError):
            deletion.survey([deletion.Reference(Card._meta.get_field("offer"), ("spring",))])
    assert held(tenants[0], "offer") == ["spring"]


def test_keys_are_named_some_at_a_time(tenants: list[Any], plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "BATCH", 2)
    reference = deletion.Reference(Card._meta.get_field("plan"), (*range(plan.pk + 1, plan.pk + 4), plan.pk))
    with tenant_context(tenants[0]):
        assert [rows.count() for rows in reference.rows()] == [0, 1]


def test_where_nothing_is_to_be_done_no_tenant_is_asked(
    tenants: list[Any], monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    field: Any = Card._meta.get_field("plan")
    monkeypatch.setattr(field.remote_field, "on_delete", models.DO_NOTHING)
    with out_of_order(tenants[0]):
        plan.delete()
    assert len(held(tenants[0], "plan")) == 1


def test_rows_of_a_tenant_are_deleted_as_ever(tenants: list[Any]) -> None:
    with tenant_context(tenants[0]), CaptureQueriesContext(connections["public"]) as queries:
        assert Card.objects.get().delete() == (1, {"library.Card": 1})
    assert len(queries) == 0


@pytest.mark.parametrize("policy", [models.RESTRICT, models.SET_DEFAULT, models.SET(7)])
def test_a_policy_that_cannot_be_carried_out_is_refused(policy: Any) -> None:
    with pytest.raises(ValueError, match="CASCADE, PROTECT, SET_NULL, DO_NOTHING"):
        PublicForeignKey(Plan, policy)


def test_errors_are_of_the_family(tenants: list[Any]) -> None:
    with public_context(), pytest.raises(MultiTenantError):
        Plan.objects.get().delete()
    assert deleting.receivers
