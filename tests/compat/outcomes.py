"""What became of one test: the word written by the recording runner and read by the compat command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

# From the least to the most telling: a test with subtests has the outcome of its worst part.
STATUSES = ("ok", "skip", "expected failure", "unexpected success", "fail", "error", "hung")
FINISHED = "finished"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one test, with the end of its traceback or the reason of its skip."""

    status: str
    detail: str = ""


def worse(first: Outcome, second: Outcome) -> Outcome:
    """Return the more telling of two outcomes, the first when they are alike."""
    return second if STATUSES.index(second.status) > STATUSES.index(first.status) else first


def started_line(test: str) -> str:
    """Return the line that says that a test began: alone, it shows where a suite hung."""
    return json.dumps({"started": test})


def outcome_line(test: str, outcome: Outcome) -> str:
    """Return the line that says how a test ended."""
    return json.dumps({"test": test, **asdict(outcome)})


def finished_line() -> str:
    """Return the line that says that the suite came to its end."""
    return json.dumps({FINISHED: True})


def read_outcomes(record: Path) -> tuple[dict[str, Outcome], bool]:
    """Return the outcomes by test id, and whether the suite came to its end."""
    outcomes: dict[str, Outcome] = {}
    running: list[str] = []
    finished = False
    for line in record.read_text().splitlines() if record.exists() else []:
        entry = json.loads(line)
        if "started" in entry:
            running.append(entry["started"])
        elif "test" in entry:
            outcome = Outcome(entry["status"], entry["detail"])
            previous = outcomes.get(entry["test"], outcome)
            outcomes[entry["test"]] = worse(previous, outcome)
            running = [test for test in running if test != entry["test"]]
        else:
            finished = True
    return {**outcomes, **{test: Outcome("hung") for test in running}}, finished
