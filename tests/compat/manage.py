"""manage.py for packages that bring none, or one with settings of its own; run in the directory of their tests."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management import execute_from_command_line

import tests

if __name__ == "__main__":
    # A package may call its tests `tests`, as the package is called that this harness is in: both are found there.
    tests.__path__.insert(0, str(Path.cwd() / "tests"))
    execute_from_command_line(sys.argv)
