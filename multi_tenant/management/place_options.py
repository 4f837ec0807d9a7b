"""The options that `create_tenant` and `adopt_tenant` share: what a tenant is called and where its database is."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

STANDARD_INPUT = "-"


def add_place(parser: CommandParser, *, entry_help: str) -> None:
    """Give a command the tenant's alias, ``--name``, ``--domain``, ``--server`` and ``--entry -``."""
    parser.add_argument("alias", metavar="ALIAS", help="What the tenant is called in code and commands.")
    parser.add_argument("--name", default="", help="What people call it.")
    parser.add_argument(
        "--domain",
        action="append",
        default=[],
        dest="domains",
        metavar="HOST",
        help="A host that leads to it; repeatable.",
    )
    parser.add_argument("--server", metavar="NAME", help="The server of the registry that its database is on.")
    parser.add_argument("--entry", type=standard_input, metavar=STANDARD_INPUT, help=entry_help)


def place_from(options: dict[str, Any], *, prompt: OutputWrapper) -> dict[str, Any]:
    """The keyword arguments for the lifecycle. Raises CommandError."""
    entry = None if options["entry"] is None else read_entry(prompt=prompt)
    return {"name": options["name"], "domains": options["domains"], "server": options["server"], "entry": entry}


def standard_input(value: str) -> str:
    """Accept ``-`` alone; the message does not repeat what may be a secret."""
    if value != STANDARD_INPUT:
        raise argparse.ArgumentTypeError(
            "an entry is never on the command line, which every user of the machine can read. Say --entry - and give "
            "it as JSON on standard input; for a file: --entry - < FILE"
        )
    return value


def read_entry(*, prompt: OutputWrapper) -> dict[str, Any]:
    """The entry on standard input. Raises CommandError, which repeats nothing of it."""
    if sys.stdin.isatty():
        prompt.write("Write the entry as one JSON object, then press Ctrl-D.", style_func=str)
    try:
        entry = json.loads(sys.stdin.read(), object_pairs_hook=unambiguous)
    except (RecursionError, ValueError) as exc:
        place = f" (line {exc.lineno}, column {exc.colno})" if isinstance(exc, json.JSONDecodeError) else ""
        raise CommandError(
            f'The entry on standard input is not JSON{place}. Give one object such as {{"ENGINE": …, "NAME": …}}.'
        ) from None
    if not isinstance(entry, dict):
        raise CommandError("The entry on standard input is not a JSON object. Give one.")
    return entry


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members. Raises CommandError where two of them have one name."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CommandError("The entry on standard input has a key twice. Give each key once.")
    return found
