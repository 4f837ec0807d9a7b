"""The runner's processes of ``--parallel`` begin where the runner's own does; those of Django's runner do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_in_parallel(runner: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "django", "test", "tests.testing.parallel_scenarios", "--noinput", "--parallel=2"]
    return subprocess.run(
        [*command, f"--testrunner={runner}"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.testing.scenario_settings"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_tests_in_several_processes_begin_on_the_public_site() -> None:
    done = run_in_parallel("multi_tenant.testing.runner.TenantTestRunner")
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr


def test_with_djangos_runner_they_begin_undecided() -> None:
    """The control: a forked process does not inherit the place."""
    done = run_in_parallel("django.test.runner.DiscoverRunner")
    assert done.returncode != 0
    assert "no tenant is chosen" in done.stdout + done.stderr
