"""`adopt_tenant`: a tenant around a database that exists already."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from multi_tenant.lifecycle import adopt
from multi_tenant.management.base import RegistryCommand
from multi_tenant.management.place_options import add_place, place_from


class Command(RegistryCommand):
    """Takes a database over: migrated, marked and served."""

    help = "Makes a tenant of an existing database, which the entry names."

    def add_arguments(self, parser: CommandParser) -> None:
        add_place(
            parser,
            entry_help="Read which database, as JSON, from standard input; its NAME alone for one on our own servers.",
        )
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = adopt(options["alias"], **place_from(options, prompt=self.stderr))
        self.tell(tenant, as_json=options["json"])
