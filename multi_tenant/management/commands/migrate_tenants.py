"""`migrate_tenants`: the migrations of the code that runs now, in every tenant."""

from __future__ import annotations

import traceback
from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.fleet.migrate import Migration, MigrationResult, behind, migrate_each
from multi_tenant.fleet.selection import WHOLE, FleetTenant, in_states, named
from multi_tenant.management.base import INTERRUPTED, RegistryCommand
from multi_tenant.management.progress import ProgressBar


class Command(RegistryCommand):
    """Migrates active and suspended tenants, goes on where one fails, and says so in the end."""

    help = "Migrates the tenants named, or all active and suspended ones. Those that lack nothing are not touched."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("aliases", nargs="*", metavar="ALIAS", help="A tenant to migrate.")
        parser.add_argument("--plan", action="store_true", help="Only say which tenants lack migrations.")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = named(options["aliases"]) if options["aliases"] else in_states(WHOLE)
        if options["plan"]:
            self.tell_plan(tenants, as_json=options["json"])
        else:
            self.migrate(tenants, options)

    def tell_plan(self, tenants: list[FleetTenant], *, as_json: bool) -> None:
        """Say which tenants lack migrations."""
        found = [tenant.alias for tenant in behind(tenants)]
        if as_json:
            self.write_json(found)
        else:
            self.stdout.write("\n".join([*found, f"{len(found)} of {len(tenants)} tenants lack migrations."]))

    def migrate(self, tenants: list[FleetTenant], options: dict[str, Any]) -> None:
        """Migrate, telling how each tenant went, and whether all went well."""
        results: list[MigrationResult] = []
        interrupted = False
        with ProgressBar(self.stderr, total=len(tenants), shown=not options["json"]) as bar:
            try:
                for result in migrate_each(tenants):
                    results.append(result)
                    bar.clear()
                    self.report(result, options)
                    bar.advance(result.alias)
            except KeyboardInterrupt:
                interrupted = True
        if options["json"]:
            self.write_json([document_of(result) for result in results])
        self.conclude(tenants, results, interrupted=interrupted, silent=options["json"])

    def report(self, result: MigrationResult, options: dict[str, Any]) -> None:
        """Say how one tenant went; one that lacked nothing is mentioned with ``--verbosity 2``."""
        if result.error is not None:
            self.stderr.write(f"{result.alias}: {result.reason}")
            if options["traceback"]:
                self.stderr.write("".join(traceback.format_exception(result.error)))
        elif not options["json"] and options["verbosity"] > (result.migration is Migration.CURRENT):
            applied = ", ".join(result.applied) or "nothing to do"
            self.stdout.write(f"{result.alias}: {applied} ({result.seconds:.2f} s)")
            self.stdout.flush()  # a log is read while the run goes on

    def conclude(
        self, tenants: list[FleetTenant], results: list[MigrationResult], *, interrupted: bool, silent: bool
    ) -> None:
        """Say how the run went. Raises CommandError unless every tenant is up to date now."""
        counts = Counter(result.migration for result in results)
        if not silent:
            self.stdout.write(f"{counts[Migration.MIGRATED]} migrated, {counts[Migration.CURRENT]} up to date.")
        failed = [result.alias for result in results if result.migration is Migration.FAILED]
        complaints = [f"Failed in {len(failed)} of {len(tenants)} tenants: {', '.join(failed)}."] if failed else []
        if interrupted:
            left = ", ".join(tenant.alias for tenant in tenants[len(results) :])
            complaints.append(f"Interrupted. Not done: {left}.")
        if complaints:
            raise CommandError(" ".join(complaints), returncode=INTERRUPTED if interrupted else 1)


def document_of(result: MigrationResult) -> dict[str, Any]:
    """How a tenant went, for machines."""
    return {
        "alias": result.alias,
        "outcome": result.migration.value,
        "applied": list(result.applied),
        "seconds": round(result.seconds, 3),
        "error": result.reason,
    }
