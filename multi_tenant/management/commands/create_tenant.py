"""`create_tenant`: a new tenant, served at once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from multi_tenant.lifecycle import create_tenant
from multi_tenant.management.base import RegistryCommand
from multi_tenant.management.place_options import add_place, place_from


class Command(RegistryCommand):
    """Makes a tenant, or finishes one that was left half-made."""

    help = "Creates a tenant with a database of its own. Run again, it finishes what was interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        add_place(parser, entry_help="Read the settings of a database server of its own, as JSON, from standard input.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = create_tenant(options["alias"], **place_from(options, prompt=self.stderr))
        self.tell(tenant, as_json=options["json"])
