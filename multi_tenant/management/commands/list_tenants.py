"""`list_tenants`: every tenant of the registry."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from multi_tenant.management.base import RegistryCommand
from multi_tenant.management.tenants import all_tenants, document_of, table_of


class Command(RegistryCommand):
    """Shows each tenant and its state, and no part of its entry."""

    help = "Lists all tenants, whatever their states."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = all_tenants()
        if options["json"]:
            self.write_json([document_of(tenant) for tenant in tenants])
        elif tenants:
            self.stdout.write("\n".join(table_of(tenants)))
        else:
            self.stdout.write("There are no tenants. Make one with create_tenant.")
