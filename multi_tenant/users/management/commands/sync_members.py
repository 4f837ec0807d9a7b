"""`sync_members`: tenants' member rows as the public database says they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.fleet.run import Outcome, run_in_each
from multi_tenant.fleet.selection import WHOLE, in_states, named
from multi_tenant.management.base import RegistryCommand
from multi_tenant.users.repair import Repairs, sync_members


class Command(RegistryCommand):
    """Repairs one tenant after the other, goes on where one fails, and says so in the end."""

    help = (
        "Repairs the member rows of the tenants named, or of all active and suspended ones: makes those that are "
        "missing, refreshes copies of names, and takes the authority from rows without a membership."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("aliases", nargs="*", metavar="ALIAS", help="A tenant to repair.")
        parser.add_argument("--all", action="store_true", help="All tenants that are active or suspended.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["aliases"]) is options["all"]:
            raise CommandError("Name the tenants to repair, or say --all.")
        tenants = in_states(WHOLE) if options["all"] else named(options["aliases"])
        outcomes = []
        for outcome in run_in_each(tenants, lambda tenant: sync_members(), any_state=True):
            outcomes.append(outcome)
            self.report(outcome, as_json=options["json"])
        if options["json"]:
            self.write_json([document_of(outcome) for outcome in outcomes])
        failed = [outcome.alias for outcome in outcomes if outcome.error is not None]
        if failed:
            raise CommandError(f"Failed in {len(failed)} of {len(outcomes)} tenants: {', '.join(failed)}.")

    def report(self, outcome: Outcome[Repairs], *, as_json: bool) -> None:
        """Say how one tenant went."""
        if outcome.value is None:
            self.stderr.write(f"{outcome.alias}: {outcome.reason}")
        elif not as_json:
            done = ", ".join(f"{count} {what}" for what, count in asdict(outcome.value).items())
            self.stdout.write(f"{outcome.alias}: {done}")


def document_of(outcome: Outcome[Repairs]) -> dict[str, Any]:
    """How a tenant went, for machines."""
    done = None if outcome.value is None else asdict(outcome.value)
    return {"alias": outcome.alias, "repairs": done, "error": outcome.reason}
