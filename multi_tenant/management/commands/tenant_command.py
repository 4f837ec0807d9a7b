"""`tenant_command`: any command of Django's or of the project's, inside tenants."""

from __future__ import annotations

import traceback
from contextlib import nullcontext
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connections

from multi_tenant.context import active_place
from multi_tenant.exceptions import MultiTenantError, TenantUnavailableError
from multi_tenant.fleet.run import Outcome, run_in_each
from multi_tenant.fleet.selection import ACTIVE, WHOLE, FleetTenant, in_states, named
from multi_tenant.management.base import INTERRUPTED, RegistryCommand
from multi_tenant.management.command_line import CommandLine, SplittingParser
from multi_tenant.management.standard_input import SharedInput
from multi_tenant.registry.aliases import DEFAULT
from multi_tenant.routing.owner import owner_context

#: Options of ours that the command gets as well.
PASSED_ON = ("stdout", "stderr", "skip_checks", "no_color", "force_color")


class Command(RegistryCommand):
    """Enters each tenant, runs the command, and goes on where one fails."""

    help = "Runs any command inside tenants: tenant_command acme bolt -- createsuperuser"
    # The command that is run makes the checks that it wants.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # Django names its parser's class inside the method, so the parser gets another class when it is made.
        parser.__class__ = SplittingParser
        parser.usage = f"{parser.prog} [options] (ALIAS [ALIAS ...] | --all) -- COMMAND [ARGUMENT ...]"
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("aliases", nargs="*", metavar="ALIAS", help="A tenant to run the command in.")
        parser.add_argument("--all", action="store_true", help="Run it in all active tenants.")
        parser.add_argument(
            "--any-state",
            action="store_true",
            help="Enter tenants that are not active; with --all, suspended ones too.",
        )
        parser.add_argument(
            "--owner",
            action="store_true",
            help="Run it by the login that owns the tenant's database, which may change its schema.",
        )
        parser.add_argument(
            "--stdin", action="store_true", help="Give each of several tenants a copy of standard input."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        line = CommandLine.of(options["line"])
        line.check()
        tenants = chosen(options["aliases"], all_of_them=options["all"], any_state=options["any_state"])
        if len(tenants) == 1:
            self.run_in_one(line, tenants[0], options)
        elif tenants:
            self.run_in_several(line, tenants, options)
        else:
            self.stderr.write("There are no such tenants, so nothing was run.", style_func=str)

    def run_in_one(self, line: CommandLine, tenant: FleetTenant, options: dict[str, Any]) -> None:
        """Run the command as if it stood alone: its output, its input, its exit code."""
        [outcome] = run_in_each([tenant], lambda _: execute(line, options), any_state=options["any_state"])
        if isinstance(outcome.error, (CommandError, MultiTenantError, SystemExit)):
            raise outcome.error
        if outcome.error is not None:
            raise CommandError(f"{outcome.alias}: {outcome.reason} (--traceback shows where)") from outcome.error

    def run_in_several(self, line: CommandLine, tenants: list[FleetTenant], options: dict[str, Any]) -> None:
        """Run the command in each tenant, then tell in which it failed."""
        outcomes: list[Outcome[None]] = []
        with SharedInput(copied=options["stdin"]) as standard_input:

            def work(tenant: FleetTenant) -> None:
                if options["verbosity"]:
                    self.stderr.write(f"{tenant.alias}:", style_func=self.style.MIGRATE_HEADING)
                with standard_input.turn():
                    execute(line, options)

            try:
                for outcome in run_in_each(tenants, work, any_state=options["any_state"]):
                    outcomes.append(outcome)
                    self.report(outcome, with_traceback=options["traceback"])
            except KeyboardInterrupt:
                left = ", ".join(tenant.alias for tenant in tenants[len(outcomes) :])
                raise CommandError(f"Interrupted. Not done: {left}.", returncode=INTERRUPTED) from None
        failed = [outcome.alias for outcome in outcomes if outcome.error]
        if failed:
            raise CommandError(f"Failed in {len(failed)} of {len(outcomes)} tenants: {', '.join(failed)}.")

    def report(self, outcome: Outcome[None], *, with_traceback: bool) -> None:
        """Say at once why the command failed in a tenant."""
        if outcome.error is None:
            return
        self.stderr.write(f"{outcome.alias}: {outcome.reason}")
        if with_traceback:
            self.stderr.write("".join(traceback.format_exception(outcome.error)))


def chosen(aliases: list[str], *, all_of_them: bool, any_state: bool) -> list[FleetTenant]:
    """The tenants to run in.

    Raises CommandError, UnknownTenantError or TenantUnavailableError before anything is run.
    """
    if bool(aliases) == all_of_them:
        raise CommandError("Name the tenants, or say --all for every active one.")
    tenants = named(aliases) if aliases else in_states(WHOLE if any_state else {ACTIVE})
    for tenant in tenants:
        if tenant.state != ACTIVE and not any_state:
            raise TenantUnavailableError(
                tenant.alias,
                tenant.state,
                f"Tenant {tenant.alias!r} is {tenant.state}. Say --any-state to run commands in it all the same.",
            )
    return tenants


def execute(line: CommandLine, options: dict[str, Any]) -> None:
    """Run the command in the active tenant, as the owner of its database if that is asked for.

    The connection is made first: programs such as psql do not compare the database's marker, as connecting does.
    """
    place = active_place.get()
    owner = owner_context(str(place.alias), any_state=place.any_state) if options["owner"] else nullcontext()
    with owner:
        connections[DEFAULT].ensure_connection()
        line.execute(**{name: options[name] for name in PASSED_ON if options.get(name)})
