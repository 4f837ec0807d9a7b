"""An alias that went to another tenant never leads to the database of the one before."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection, transaction

from multi_tenant.context import public_context, tenant_context
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.registry.models import Tenant
from multi_tenant.routing import handler
from tests.promises.control import Without, all_of, guard_off, guarded_by, refused
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db(transaction=True)


def hand_over(alias: str, heir: Tenant) -> None:
    with public_context():
        Tenant.objects.filter(alias=alias).delete()
        Tenant.objects.filter(pk=heir.pk).update(alias=alias)


def nobody_asks() -> AbstractContextManager[None]:
    """Neither the handler nor the guard asks whose a connection is."""
    return all_of(Without(handler, "refuse_predecessor"), guard_off)


@guarded_by(nobody_asks)
def test_a_block_of_the_former_tenant_is_not_the_new_tenants(acme: Any, bolt: Any) -> None:
    with tenant_context(acme), transaction.atomic():
        hand_over("acme", bolt)
        with public_context(), tenant_context("acme"):
            assert refused(WrongTenantError, Author.objects.count)


def test_an_open_cursor_of_the_former_tenant_is_not_read_past(acme: Any, bolt: Any) -> None:
    with tenant_context(acme):
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
    hand_over("acme", bolt)
    with tenant_context("acme"):
        assert refused(WrongTenantError, Author.objects.count)
        cursor.close()
        assert Author.objects.count() == 0
