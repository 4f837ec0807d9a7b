"""`connections.settings` and `connections.all()`: static aliases, and the active tenant where `default` is meant."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse

from multi_tenant.context import active_place, fixed_context, public_context, tenant_context

databases: Any = connections


def in_block(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(databases["default"].in_atomic_block))


def content_of(view: Any) -> Any:
    """What a view answers when Django calls it as the settings want it called."""
    response: Any = BaseHandler().make_view_atomic(view)(HttpRequest())
    return response.content


@pytest.mark.usefixtures("in_tenant")
def test_default_has_the_settings_of_the_active_tenant() -> None:
    assert databases.settings["default"] is databases["default"].settings_dict


@pytest.mark.django_db
def test_default_has_the_settings_of_the_public_database_elsewhere() -> None:
    with public_context():
        assert databases.settings["default"] is databases["public"].settings_dict


@pytest.mark.usefixtures("in_tenant")
def test_iteration_knows_static_aliases_alone() -> None:
    assert list(databases) == list(databases.settings) == ["default"]


def test_the_entry_of_the_active_tenant_is_answered_without_its_login(in_tenant: Any) -> None:
    found = settings.DATABASES[in_tenant.alias]
    assert found["ENGINE"] == databases["default"].settings_dict["ENGINE"]
    assert not found.keys() & {"USER", "PASSWORD", "OPTIONS"}


@pytest.mark.usefixtures("in_tenant")
def test_the_entry_of_another_tenant_is_not(other_tenant: Any) -> None:
    with pytest.raises(KeyError):
        settings.DATABASES[other_tenant.alias]


@pytest.mark.django_db(transaction=True)
def test_a_view_is_atomic_where_the_tenants_connection_says_so(tenant: Any) -> None:
    with tenant_context(tenant):
        databases["default"].settings_dict["ATOMIC_REQUESTS"] = True
        try:
            content = content_of(in_block)
        finally:
            databases["default"].settings_dict["ATOMIC_REQUESTS"] = False
    assert content == b"True"


@pytest.mark.django_db(transaction=True)
def test_a_view_is_not_atomic_otherwise(tenant: Any) -> None:
    """The control of the test above."""
    with tenant_context(tenant):
        assert content_of(in_block) == b"False"


def test_all_holds_the_active_tenants_connection_though_it_was_not_asked_for_yet(in_tenant: Any) -> None:
    here = fixed_context(active_place.get())
    with ThreadPoolExecutor(max_workers=1) as fresh_thread:
        before = fresh_thread.submit(here.again()(aliases_of_all), initialized_only=True).result()
        after = fresh_thread.submit(here.again()(aliases_of_all)).result()
    assert in_tenant.alias not in before
    assert in_tenant.alias in after


def test_all_makes_no_connection_for_a_tenant_that_is_not_active(tenant: Any, other_tenant: Any) -> None:
    with tenant_context(tenant):
        assert other_tenant.alias not in aliases_of_all()


def aliases_of_all(**options: bool) -> set[str]:
    """What this thread's connections are called."""
    return {connection.alias for connection in databases.all(**options)}
