"""`rotate_tenant_logins`: another login for each tenant, while the site runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.fleet.logins import drop_each, rotate_each
from multi_tenant.fleet.run import Outcome
from multi_tenant.fleet.selection import WHOLE, FleetTenant, in_states, named
from multi_tenant.lifecycle.rotation import SILENCE
from multi_tenant.management.base import RegistryCommand
from multi_tenant.management.progress import ProgressBar


class Command(RegistryCommand):
    """Makes new logins, then drops the former ones when they are silent; killed, it is simply run again."""

    help = "Gives tenants on the deployment's own servers new logins, and drops the former ones once they are unused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("aliases", nargs="*", metavar="ALIAS", help="A tenant whose login is to be renewed.")
        parser.add_argument("--all", action="store_true", help="Renew those of all active and suspended tenants.")
        parser.add_argument(
            "--finish", action="store_true", help="Make no new logins; only drop those that an earlier run left."
        )
        parser.add_argument(
            "--silence",
            type=float,
            default=SILENCE,
            metavar="SECONDS",
            help="How long sessions of a former login are silent before they are ended (default: %(default)s).",
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=300.0,
            metavar="SECONDS",
            help="How long to wait for former logins that are in use (default: %(default)s).",
        )
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["aliases"]) == options["all"]:
            raise CommandError("Name the tenants, or say --all.")
        tenants = named(options["aliases"]) if options["aliases"] else in_states(WHOLE)
        failed: dict[str, str] = {}
        steps = len(tenants) * (1 if options["finish"] else 2)
        with ProgressBar(self.stderr, total=steps, shown=not options["json"]) as bar:
            rotated = [] if options["finish"] else self.take(rotate_each(tenants), failed, bar)
            due = [tenant for tenant in tenants if tenant.alias not in failed]
            left = self.drop(due, failed, bar, options)
        self.conclude(tenants, rotated, left, failed, as_json=options["json"])

    def take(self, outcomes: Any, failed: dict[str, str], bar: ProgressBar) -> list[Outcome[Any]]:
        """Those of the outcomes that went well; the others are told and noted."""
        done = []
        for outcome in outcomes:
            if outcome.error is None:
                done.append(outcome)
            else:
                failed[outcome.alias] = outcome.reason
                bar.clear()
                self.stderr.write(f"{outcome.alias}: {outcome.reason}")
            bar.advance(outcome.alias)
        return done

    def drop(
        self, tenants: list[FleetTenant], failed: dict[str, str], bar: ProgressBar, options: dict[str, Any]
    ) -> list[str]:
        """Drop the former logins; answers the tenants that have some left, as they are in use."""
        if not tenants:
            return []
        outcomes = drop_each(tenants, silent_for=options["silence"], wait=options["wait"])
        return [outcome.alias for outcome in self.take(outcomes, failed, bar) if outcome.value]

    def conclude(
        self,
        tenants: list[FleetTenant],
        rotated: list[Outcome[Any]],
        left: list[str],
        failed: dict[str, str],
        *,
        as_json: bool,
    ) -> None:
        """Say how it went. Raises CommandError where something is left to do."""
        if as_json:
            self.write_json({"rotated": [outcome.alias for outcome in rotated], "left": left, "failed": failed})
        else:
            self.stdout.write(f"{len(rotated)} logins renewed.")
        complaints = [f"Failed for {len(failed)} of {len(tenants)} tenants: {', '.join(failed)}."] if failed else []
        if left:
            complaints.append(f"Former logins still in use: {', '.join(left)}. Drop them later, with --finish.")
        if complaints:
            raise CommandError(" ".join(complaints))
