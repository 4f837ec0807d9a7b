"""The package of this checkout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management import call_command

from benchmarks.project.shop.rows import fill
from benchmarks.sites.base import Site
from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant
from multi_tenant.middleware import TenantMiddleware
from multi_tenant.models import Domain, Tenant


class Ours(Site):
    """A database for each tenant."""

    def prepare(self, count: int) -> list[str]:
        self.prepare_creation()
        names = []
        for number in range(count):
            alias = self.alias(number)
            tenant = create_tenant(alias, domains=[self.host(alias)])
            names.append(str(tenant.entry()["NAME"]))
            with tenant_context(alias):
                fill(alias)
        return names

    def prepare_creation(self) -> None:
        call_command("migrate", verbosity=0)

    def create(self, alias: str) -> None:
        create_tenant(alias, domains=[self.host(alias)])

    def register(self, first: int, count: int, *, placed: bool = False) -> None:
        names = [self.alias(number) for number in range(first, first + count)]
        rows = [Tenant(alias=name, state="active", database={"NAME": name} if placed else None) for name in names]
        Tenant.objects.bulk_create(rows)
        Domain.objects.bulk_create(Domain(tenant=row, host=self.host(row.alias)) for row in rows)

    def middleware(self, get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return TenantMiddleware(get_response)

    def inside(self, alias: str) -> tenant_context:
        return tenant_context(alias)
