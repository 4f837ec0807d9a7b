"""The package of this checkout."""

from __future__ import annotations

from django.core.management import call_command

from benchmarks.project.shop.rows import fill
from benchmarks.sites.base import Site
from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant


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
