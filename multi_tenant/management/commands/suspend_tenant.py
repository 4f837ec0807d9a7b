"""`suspend_tenant`: a tenant out of service."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from multi_tenant.lifecycle import suspend
from multi_tenant.management.base import RegistryCommand


class Command(RegistryCommand):
    """Takes a tenant out of service."""

    help = "Stops serving a tenant; its data stay, and nobody sees them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("alias", metavar="ALIAS", help="The tenant.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.tell(suspend(options["alias"]), as_json=options["json"])
