"""`erase_identity`: a person made unknowable, in public and in each tenant."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.management.base import INTERRUPTED, RegistryCommand
from multi_tenant.users.erasure import erase, find_person


class Command(RegistryCommand):
    """Erases a person, and names the tenants in which that is still to be done."""

    help = "Makes a person unknowable everywhere and ends all memberships. It cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="The person's username, or the key of the identity.")
        parser.add_argument("--no-input", "--noinput", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        identity = find_person(options["username"])
        if identity is None:
            raise CommandError(f"There is nobody called {options['username']!r}. Give a username, or a key.")
        if not options["no_input"]:
            self.confirm(identity)
        failed = []
        for outcome in erase(identity):
            if outcome.error is not None:
                failed.append(outcome.alias)
                self.stderr.write(f"{outcome.alias}: {outcome.reason}")
        if failed:
            raise CommandError(
                f"Erased in public, and still to be erased in {', '.join(failed)}. Once they can be reached, run "
                f"`manage.py erase_identity {identity.pk}`: the username is gone."
            )
        self.stdout.write(f"Erased {identity.pk}.")

    def confirm(self, identity: Any) -> None:
        """Ask whether this is meant. Raises CommandError if not."""
        if not sys.stdin.isatty():
            raise CommandError("Nobody can be asked here. Say --no-input if the erasure is meant.")
        name = identity.get_username()
        self.stderr.write(f"{name} ({identity.pk}) will be erased everywhere, for ever.")
        try:
            answer = input(f"Type {name} to go on: ")
        except (EOFError, KeyboardInterrupt):
            raise CommandError("Nothing was erased.", returncode=INTERRUPTED) from None
        if answer.strip() != name:
            raise CommandError("Nothing was erased.")
