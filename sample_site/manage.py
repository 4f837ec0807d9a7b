#!/usr/bin/env python
"""Django's commands for the sample site, with the demo's keys where the environment gives none.

DEMO_DIR says which demo: sample_site/var/sqlite, unless told otherwise, or sample_site/var/postgres.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Run as a script, Python looks for modules beside it; these are imported by their full names.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.core.management import execute_from_command_line

from sample_site.state import State


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sample_site.settings")
    State.from_environment().fill_environment()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
