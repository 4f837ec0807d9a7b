"""`delete_tenant`: the end of a tenant and of its database."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.fleet.selection import FleetTenant, named
from multi_tenant.lifecycle import delete, purge
from multi_tenant.management.base import INTERRUPTED, RegistryCommand
from multi_tenant.registry.models import TenantState


class Command(RegistryCommand):
    """Deletes a tenant once its alias was typed; run again, it finishes what was interrupted."""

    help = "Deletes a tenant: archives its database, drops it, and keeps the row, which goes on refusing the alias."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("alias", metavar="ALIAS", help="The tenant.")
        parser.add_argument("--force", action="store_true", help="Delete it although it is active.")
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="interactive", help="Do not ask for confirmation."
        )
        parser.add_argument("--no-archive", action="store_false", dest="archive", help="Keep no copy of its database.")
        parser.add_argument("--purge", action="store_true", help="Remove the row too, so that the alias is free again.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        [found] = named([options["alias"]])
        loss = loss_of(found, options)
        if loss and options["interactive"]:
            self.confirm(found.alias, loss)
        tenant = delete(found.alias, force=options["force"], archive=options["archive"])
        if options["purge"]:
            purge(found.alias)
        self.tell(tenant, as_json=options["json"])
        if options["purge"] and not options["json"]:
            self.stdout.write("Its row is removed; the alias is free.")

    def confirm(self, alias: str, loss: str) -> None:
        """Ask for the alias, typed out. Raises CommandError unless it is given."""
        if not sys.stdin.isatty():
            raise CommandError("Nobody can be asked here. Say --no-input if the deletion is meant.")
        self.stderr.write(loss)
        try:
            answer = input(f"Type {alias} to go on: ")
        except (EOFError, KeyboardInterrupt):
            raise CommandError("Nothing was deleted.", returncode=INTERRUPTED) from None
        if answer.strip() != alias:
            raise CommandError("Nothing was deleted.")


def loss_of(tenant: FleetTenant, options: dict[str, Any]) -> str:
    """What the deletion will cost; "" where nothing is left to lose."""
    copy = "a copy is archived" if options["archive"] else "NO copy is kept"
    database = (
        ""
        if tenant.state == TenantState.DELETED
        else f"The database of tenant {tenant.alias} will be dropped; {copy}. "
    )
    row = f"Its row will be removed, and {tenant.alias} is free for another tenant." if options["purge"] else ""
    return (database + row).strip()
