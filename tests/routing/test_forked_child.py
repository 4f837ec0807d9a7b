"""A forked child talks to tenants' databases on connections of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from multi_tenant.context import tenant_context
from multi_tenant.routing import handler
from tests.promises.control import Without, guarded_by
from tests.promises.places import in_child
from tests.testapp.library.models import Author


@pytest.mark.django_db(transaction=True)
@guarded_by(Without(handler, "connections", None))
def test_a_child_does_not_read_on_its_parents_connection(acme: Any) -> None:
    with tenant_context(acme):
        Author.objects.create(name="Ada")
        parents = id(connections["default"].connection)

    def child() -> str:
        with tenant_context(acme):
            inherited = connections["default"].connection is not None
            return f"{inherited} {Author.objects.count()}"

    assert in_child(child) == "False 1"
    with tenant_context(acme):
        assert id(connections["default"].connection) == parents
        assert Author.objects.count() == 1
