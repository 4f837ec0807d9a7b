"""A command of Django's or of the project's, with its arguments, to be run in one tenant after another."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError, CommandParser

SEPARATOR = "--"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What stands behind ``--``: a command's name and its arguments."""

    name: str
    arguments: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str]) -> CommandLine:
        """The command line of these words. Raises CommandError where there are none."""
        if not words:
            raise CommandError(
                "There is no command. Write it behind two hyphens: tenant_command acme -- showmigrations --plan"
            )
        return cls(words[0], tuple(words[1:]))

    def check(self) -> None:
        """Raise CommandError unless there is such a command and its arguments make sense."""
        self._prepare()

    def execute(self, **overrides: Any) -> None:
        """Run the command as the command line would, with a fresh instance of it."""
        command, options = self._prepare()
        arguments = options.pop("args", ())
        command.execute(*arguments, **{**options, **overrides})

    def _prepare(self) -> tuple[BaseCommand, dict[str, Any]]:
        command = self._load()
        parser = command.create_parser(f"manage.py tenant_command ALIAS {SEPARATOR}", self.name)
        return command, vars(parser.parse_args(list(self.arguments)))

    def _load(self) -> BaseCommand:
        app = get_commands().get(self.name)
        if app is None:
            raise CommandError(f"There is no command {self.name!r}. `manage.py help` lists those there are.")
        return app if isinstance(app, BaseCommand) else load_command_class(app, self.name)


class SplittingParser(CommandParser):
    """A command's parser that leaves all behind the first ``--`` alone, as ``line``.

    argparse would share it out among the positional arguments, differently in each version of Python.
    """

    def parse_known_args(  # type: ignore[override]  # the stubs have one overload for each kind of namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        words = list(args or ())
        at = words.index(SEPARATOR) if SEPARATOR in words else len(words)
        known, unknown = super().parse_known_args(words[:at], namespace)
        known.line = words[at + 1 :]
        return known, unknown
