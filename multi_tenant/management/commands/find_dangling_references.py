"""`find_dangling_references`: rows of tenants that point to public rows which are gone."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.fleet.run import Outcome
from multi_tenant.fleet.selection import WHOLE, in_states, named
from multi_tenant.management.base import RegistryCommand
from multi_tenant.management.progress import ProgressBar
from multi_tenant.references.dangling import Dangling, find_in_each


class Command(RegistryCommand):
    """Looks into active and suspended tenants, and changes nothing."""

    help = "Finds what tenants' PublicForeignKeys point to and is not there. Ends with 1 if there is any such thing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("aliases", nargs="*", metavar="ALIAS", help="A tenant to look into; by default all.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = named(options["aliases"]) if options["aliases"] else in_states(WHOLE)
        outcomes: list[Outcome[list[Dangling]]] = []
        with ProgressBar(self.stderr, total=len(tenants), shown=not options["json"]) as bar:
            for outcome in find_in_each(tenants):
                outcomes.append(outcome)
                bar.clear()
                if not options["json"]:
                    self.report(outcome)
                bar.advance(outcome.alias)
        if options["json"]:
            self.write_json([document_of(outcome) for outcome in outcomes])
        self.conclude(outcomes)

    def report(self, outcome: Outcome[list[Dangling]]) -> None:
        """Say at once what dangles in a tenant, or why it could not be looked into."""
        if outcome.error is not None:
            self.stderr.write(f"{outcome.alias}: {outcome.reason}")
        for one in outcome.value or ():
            rows = "1 row points" if one.rows == 1 else f"{one.rows} rows point"
            self.stdout.write(f"{outcome.alias}: {one.field}: {rows} to {one.key!s}")

    def conclude(self, outcomes: list[Outcome[list[Dangling]]]) -> None:
        """Raise CommandError unless each tenant was looked into and nothing dangles."""
        holding = [outcome.alias for outcome in outcomes if outcome.value]
        failed = [outcome.alias for outcome in outcomes if outcome.error is not None]
        complaints = [f"Failed in {len(failed)} of {len(outcomes)} tenants: {', '.join(failed)}."] if failed else []
        if holding:
            complaints.append(f"References dangle in {len(holding)} of {len(outcomes)} tenants: {', '.join(holding)}.")
        if complaints:
            raise CommandError(" ".join(complaints))


def document_of(outcome: Outcome[list[Dangling]]) -> dict[str, Any]:
    """What was found in a tenant, for machines."""
    found = [{"field": one.field, "key": one.key, "rows": one.rows} for one in outcome.value or ()]
    return {"alias": outcome.alias, "dangling": found, "error": outcome.reason}
