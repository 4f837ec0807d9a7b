"""`resume_tenant`: a suspended tenant back in service."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from multi_tenant.lifecycle import resume
from multi_tenant.management.base import RegistryCommand


class Command(RegistryCommand):
    """Puts a tenant back into service."""

    help = "Serves a suspended tenant again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("alias", metavar="ALIAS", help="The tenant.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.tell(resume(options["alias"]), as_json=options["json"])
