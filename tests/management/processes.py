"""Real processes for commands: their own standard input, their own exit code, on the test's own database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "django")
NOTHING: Mapping[str, str] = {}


def environment() -> dict[str, str]:
    """What makes another process see the test's database and settings."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.management.settings",
        "MULTI_TENANT_TEST_PUBLIC_ENTRY": json.dumps(connections["public"].settings_dict, default=str),
        "MULTI_TENANT_TEST_SETTINGS": json.dumps(settings.MULTI_TENANT, default=str),
    }


@contextmanager
def start(*arguments: str, changes: Mapping[str, str] = NOTHING, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a command, as `manage.py` would, in an environment with these changes; it does not outlive the block."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    variables = {**environment(), **changes}
    command = [*PROGRAM, *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=variables, text=True, **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def manage(*arguments: str, given: str = "", changes: Mapping[str, str] = NOTHING) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with ``given`` on its standard input."""
    with start(*arguments, changes=changes) as process:
        output, errors = process.communicate(given, timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C, and again while it has no effect: Python drops one that comes while it frees an object."""
    for _ in range(12):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=5)
    raise AssertionError("The command goes on after Ctrl-C.")
