"""The process of a peer: calls the functions that the harness names, line by line, until its input ends.

Its argument is the dotted path of the peer's site. A line is JSON, `[function, options]`, and so is the answer.
Whatever a library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

import django


def main(site: str) -> None:
    """Answer calls; each function gets the site first."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        django.setup()
    here = named(site)()
    for line in sys.stdin:
        function, options = json.loads(line)
        answers.write(json.dumps(named(function)(here, **options)) + "\n")


def named(path: str) -> Any:
    """What a dotted path leads to; imported only now, since models need Django to be set up."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


if __name__ == "__main__":
    main(sys.argv[1])
