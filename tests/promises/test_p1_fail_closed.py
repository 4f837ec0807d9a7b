"""P1: without a tenant there is no tenant data, and the error says what to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import Model

from multi_tenant import context
from multi_tenant.context import Place, active_place, current_alias, public_context, tenant_bound, tenant_context
from multi_tenant.exceptions import NoTenantError
from multi_tenant.models import Tenant
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing import router
from tests.processes import environment
from tests.promises.control import Without, all_of, guarded_by, refused
from tests.promises.places import in_callback, in_child, in_thread, undecided
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book

pytestmark = pytest.mark.django_db
accepts_any_alias = Without(router, "check_has_table")


def answers_anyway() -> AbstractContextManager[None]:
    """The router answers, whatever the place is."""
    answers = Without(router, "home_alias", lambda model: active_place.get().alias or PUBLIC)
    return all_of(answers, accepts_any_alias, Without(router, "check_same"))


WAYS: dict[str, Callable[[type[Model]], Any]] = {
    "read": lambda model: list(model._default_manager.all()),
    "count": lambda model: model._default_manager.count(),
    "using default": lambda model: list(model._default_manager.using("default")),
    "manager of default": lambda model: model._default_manager.db_manager("default").exists(),
    "save": lambda model: model().save(),
    "save in default": lambda model: model().save(using="default"),
    "bulk_create": lambda model: model._default_manager.bulk_create([model()]),
    "delete": lambda model: model._default_manager.filter(pk=1).delete(),
    "update": lambda model: model._default_manager.update(id=1),
    "raw": lambda model: list(model._default_manager.raw("SELECT 1 AS id")),
}


@guarded_by(answers_anyway)
@pytest.mark.parametrize("way", WAYS)
def test_undecided_code_gets_no_model_of_both_homes(way: str) -> None:
    with undecided():
        assert refused(NoTenantError, lambda: WAYS[way](Country))


@guarded_by(answers_anyway)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", [undecided, public_context])
def test_no_tenant_model_is_had_without_a_tenant(way: str, place: Any) -> None:
    with place():
        assert refused(NoTenantError, lambda: WAYS[way](Author))


@guarded_by(accepts_any_alias)
def test_a_tenant_model_named_for_public_is_refused() -> None:
    assert refused(NoTenantError, lambda: Author.objects.using("public").exists())


def test_public_code_has_shared_models_and_those_of_both_homes() -> None:
    assert not Plan.objects.exists()
    assert not Country.objects.exists()


def test_undecided_code_has_shared_models() -> None:
    with undecided():
        assert not Plan.objects.exists()


def test_a_tenant_has_its_models_and_shared_ones(in_tenant: Tenant) -> None:
    assert [model._default_manager.count() for model in (Author, Country, Plan)] == [0, 0, 0]


STARTS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "thread": in_thread,
    "executor": lambda call: ThreadPoolExecutor(1).submit(call).result(),
    "callback": in_callback,
    "executor of a loop": lambda call: asyncio.run(in_executor(call)),
}


async def in_executor(call: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call)


@guarded_by(answers_anyway)
@pytest.mark.parametrize("start", STARTS)
def test_what_starts_anew_is_undecided(start: str, in_tenant: Tenant) -> None:
    assert STARTS[start](current_alias) is None
    assert refused(NoTenantError, lambda: STARTS[start](Author.objects.all)) is False  # lazy: nothing is asked
    assert refused(NoTenantError, lambda: STARTS[start](lambda: Author.objects.all().db))


@pytest.mark.django_db(transaction=True)
def test_a_job_after_another_in_one_thread_is_undecided_again(tenant: Tenant) -> None:
    with tenant_context(tenant), ThreadPoolExecutor(1) as executor:
        assert executor.submit(tenant_bound(current_alias)).result() == tenant.alias
        assert executor.submit(current_alias).result() is None
        executor.submit(connections.close_all).result()


def test_to_thread_takes_its_place_along(in_tenant: Tenant) -> None:
    async def ask() -> str | None:
        return await asyncio.to_thread(current_alias)

    assert asyncio.run(ask()) == in_tenant.alias


@guarded_by(Without(context, "UNDECIDED_PLACE", Place("test-tenant")))
def test_a_forked_child_is_undecided(in_tenant: Tenant) -> None:
    assert in_child(lambda: str(current_alias())) == "None"


def test_bound_functions_go_back_to_their_place(in_tenant: Tenant) -> None:
    assert in_thread(tenant_bound(current_alias)) == in_tenant.alias
    with public_context():
        bound = tenant_bound(current_alias)
    assert in_thread(bound) == PUBLIC


def test_nothing_is_bound_where_nothing_is_decided() -> None:
    with undecided(), pytest.raises(NoTenantError, match="inside tenant_context or public_context"):
        tenant_bound(current_alias)


def test_a_command_is_public(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("shell", command="import multi_tenant; print(multi_tenant.current_alias())")
    assert capsys.readouterr().out.endswith("public\n")


def test_a_script_is_public_after_setup() -> None:
    script = "import django, multi_tenant as m; print(m.current_alias()); django.setup(); print(m.current_alias())"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "public"]


@pytest.mark.parametrize("place", [undecided, public_context])
def test_the_error_names_the_model_and_the_cure(place: Any) -> None:
    with place(), pytest.raises(NoTenantError) as caught:
        Book.objects.count()
    assert caught.value.model == "library.Book"
    for word in ("library.Book", "tenant_context", "public_context", "tenant_bound"):
        assert word in str(caught.value)


@guarded_by(answers_anyway)
def test_a_relation_is_not_followed_without_a_tenant(in_tenant: Tenant) -> None:
    city = City.objects.create(name="Ys", country=Country.objects.create(code="fr"))
    city = City.objects.get(pk=city.pk)
    with undecided():
        assert refused(NoTenantError, lambda: city.country)
