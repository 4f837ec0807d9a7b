"""`drop_stale_templates`: the templates that the code that runs now does not use."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from multi_tenant.lifecycle import drop_stale_templates
from multi_tenant.management.base import RegistryCommand


class Command(RegistryCommand):
    """Drops them; those of a rolling deploy's older half are built again when they are needed."""

    help = "Drops the template databases of earlier migrations. Run it when a deployment is through."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        dropped = drop_stale_templates()
        if options["json"]:
            self.write_json(dropped)
        else:
            self.stdout.write("\n".join([*dropped, f"{len(dropped)} dropped."]))
