"""The figures of a benchmark: as a table for people, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

Costs = Mapping[str, float]
RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Subject:
    """What was measured in one case: a peer and its figures, round by round."""

    title: str
    rounds: Sequence[Costs]

    def median(self, metric: str) -> float:
        """The figure that as many rounds were above as below."""
        return median(costs[metric] for costs in self.rounds)

    def ratio(self, metric: str, to: Subject) -> float:
        """The median of the rounds' ratios: what a round had to suffer, both suffered."""
        return median(mine[metric] / other[metric] for mine, other in zip(self.rounds, to.rounds, strict=True))


@dataclass(frozen=True)
class Case:
    """Subjects that can be compared; the baseline is one of them, or there is none."""

    title: str
    subjects: Sequence[Subject]
    baseline: str = ""

    @property
    def metrics(self) -> list[str]:
        """The names of the figures, which end with their unit."""
        return list(self.subjects[0].rounds[0])

    def ratio(self, subject: Subject, metric: str) -> float | None:
        """A subject's figure in terms of the baseline's."""
        found = next((other for other in self.subjects if other.title == self.baseline), None)
        return None if found is None else subject.ratio(metric, found)


@dataclass(frozen=True)
class Report:
    """All that a benchmark has to tell."""

    name: str
    title: str
    method: Sequence[str]
    cases: Sequence[Case]
    machine: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Method, machine and tables."""
        method = [f"  {line}" for line in self.method]
        machine = [f"  {name:<11} {what}" for name, what in self.machine.items()]
        tables = [line for case in self.cases for line in ("", *table(case))]
        return "\n".join([self.title, "=" * len(self.title), *method, "", *machine, *tables, ""])

    def data(self) -> dict[str, Any]:
        """The same for programs, with each round's figures."""
        return {
            "name": self.name,
            "title": self.title,
            "method": list(self.method),
            "machine": dict(self.machine),
            "cases": [data_of(case) for case in self.cases],
        }

    def write(self, directory: Path = RESULTS) -> Path:
        """Write the JSON; answers where."""
        directory.mkdir(exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_text(json.dumps(self.data(), indent=2) + "\n")
        return path


def data_of(case: Case) -> dict[str, Any]:
    """A case for programs."""
    return {
        "case": case.title,
        "baseline": case.baseline or None,
        "subjects": [
            {
                "subject": subject.title,
                "median": {metric: round(subject.median(metric), 3) for metric in case.metrics},
                "ratio": {metric: ratio_of(case, subject, metric) for metric in case.metrics},
                "rounds": [dict(costs) for costs in subject.rounds],
            }
            for subject in case.subjects
        ],
    }


def ratio_of(case: Case, subject: Subject, metric: str) -> float | None:
    """A ratio as JSON has it."""
    ratio = case.ratio(subject, metric)
    return None if ratio is None else round(ratio, 3)


def table(case: Case) -> list[str]:
    """The lines of a case's table: a column for each metric's median, and one for its ratio."""
    rows = [header(case), *(row(case, subject) for subject in case.subjects)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    lines = ["  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]) for cells in rows]
    return [case.title, "-" * len(lines[0]), *lines]


def header(case: Case) -> list[str]:
    """The first row of a table."""
    ratio = f"× {case.baseline}" if case.baseline else ""
    return ["", *(cell for metric in case.metrics for cell in (metric.replace("_", " "), *([ratio] if ratio else ())))]


def row(case: Case, subject: Subject) -> list[str]:
    """One subject's row."""
    cells = [subject.title]
    for metric in case.metrics:
        cells.append(shown(subject.median(metric)))
        ratio = case.ratio(subject, metric)
        if ratio is not None:
            cells.append(f"{ratio:.2f}")
    return cells


def shown(figure: float) -> str:
    """A figure with three digits that mean something."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
