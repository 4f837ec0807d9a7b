"""One suite of tests run in one mode, in a process of its own; used by the compat command."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.compat.engines import Engine
from tests.compat.outcomes import Outcome, read_outcomes
from tests.compat.projects import Project

MODES = ("plain", "tenant", "control")
#: What PostgreSQL says below its errors.
REMARKS = ("DETAIL:", "HINT:", "LINE ", "^")

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


def run_suite(suite: str, *, mode: str, project: Project, engine: Engine, time_limit: float) -> SuiteRun:
    """Run one suite in a mode on an engine, and stop it when it takes longer than the limit (in seconds)."""
    began = time.monotonic()
    command = project.command(suite, f"tests.compat.settings.{mode}")
    with tempfile.TemporaryDirectory(prefix="compat-") as directory, engine.databases(Path(directory)) as databases:
        record = Path(directory) / "outcomes.jsonl"
        own = {"COMPAT_RECORD": str(record), "COMPAT_DIR": directory}
        # One hash seed for all runs: a test that hangs on the order of a set must not look like a difference.
        environment = {**os.environ, "PYTHONHASHSEED": "0", **project.environment(), **databases, **own}
        output, code = _output_of(command, environment, directory=project.directory, time_limit=time_limit)
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


def _output_of(
    command: list[str], environment: dict[str, str], *, directory: Path, time_limit: float
) -> tuple[str, int | None]:
    # A session of its own: a suite that is stopped takes the processes that its tests started along.
    process = subprocess.Popen(
        command, cwd=directory, env=environment, text=True, errors="replace", start_new_session=True,
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


def _problem(output: str, code: int | None, time_limit: float) -> str:
    if code is None:
        return f"stopped after {time_limit:.0f} seconds"
    lines = [line.strip() for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith(REMARKS)]
    return lines[-1] if lines else f"ended with code {code} and no output"
