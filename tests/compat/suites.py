"""One suite of Django's tests run in one mode, in a process of its own; used by the compat command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.compat.outcomes import Outcome, read_outcomes

PROJECT = Path(__file__).resolve().parent.parent.parent
MODES = ("plain", "tenant", "control")

# runtests.py is a script; loaded under another name it does nothing but define its functions. Spatial suites
# are named too, so that the report can say why they do not start.
ENUMERATE = """
import json, runpy
print(json.dumps(sorted(runpy.run_path("runtests.py", run_name="runtests")["get_test_modules"](True))))
"""


running: set[subprocess.Popen[str]] = set()


@dataclass(frozen=True)
class SuiteRun:
    """What one suite did in one mode: an outcome per test id, or the reason why it did not get there."""

    suite: str
    mode: str
    seconds: float
    problem: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def started(self) -> bool:
        """Whether it reached its tests; one that holds none and ended well did."""
        return bool(self.outcomes) or not self.problem

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SuiteRun:
        """Return the run that `as_json` wrote."""
        outcomes = {test: Outcome(**outcome) for test, outcome in data["outcomes"].items()}
        return cls(**{**data, "outcomes": outcomes})


def suite_names(tests: Path) -> list[str]:
    """Return the name of every suite that Django's `runtests.py` knows, spatial ones included."""
    command = [sys.executable, "-c", ENUMERATE]
    result = subprocess.run(command, cwd=tests, env=_environment(), capture_output=True, text=True, check=True)
    names: list[str] = json.loads(result.stdout)
    return [name for name in names if name != "gis_tests"]


def run_suite(suite: str, *, mode: str, tests: Path, time_limit: float) -> SuiteRun:
    """Run one suite through `runtests.py`, and stop it when it takes longer than the limit (in seconds)."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="compat-") as directory:
        record = Path(directory) / "outcomes.jsonl"
        environment = _environment(COMPAT_RECORD=str(record), COMPAT_DIR=directory)
        output, code = _runtests(suite, mode, tests=tests, time_limit=time_limit, environment=environment)
        outcomes, finished = read_outcomes(record)
    return SuiteRun(
        suite=suite,
        mode=mode,
        seconds=round(time.monotonic() - began, 1),
        problem="" if finished else _problem(output, code, time_limit),
        outcomes=outcomes,
    )


def stop_all() -> None:
    """Stop the suites that are running, and the processes that their tests started."""
    for process in list(running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _runtests(
    suite: str, mode: str, *, tests: Path, time_limit: float, environment: dict[str, str]
) -> tuple[str, int | None]:
    command = [sys.executable, "runtests.py", f"--settings=tests.compat.settings.{mode}"]
    # A session of its own: a suite that is stopped takes the processes that its tests started along.
    process = subprocess.Popen(
        [*command, "--parallel=1", "--noinput", "--verbosity=1", suite],
        cwd=tests, env=environment, text=True, errors="replace", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    running.add(process)
    try:
        output, _ = process.communicate(timeout=time_limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return output, None
    finally:
        running.discard(process)
    return output, process.returncode


def _environment(**extra: str) -> dict[str, str]:
    # One hash seed for all runs: a test that hangs on the order of a set must not look like a difference.
    return {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "0", **extra}


def _problem(output: str, code: int | None, time_limit: float) -> str:
    if code is None:
        return f"stopped after {time_limit:.0f} seconds"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else f"ended with code {code} and no output"
