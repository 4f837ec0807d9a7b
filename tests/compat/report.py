"""The report of a comparison, as Markdown for people and JSON for machines; used by the compat command."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from tests.compat.comparison import Difference, Verdict
from tests.compat.results import Runs


@dataclass(frozen=True)
class Report:
    """All that a comparison found out."""

    project: str
    engine: str
    plain: Runs
    tenant: Runs
    verdict: Verdict

    @property
    def complaints(self) -> list[str]:
        """The reasons to fail: the verdict's, suites that did not come to their end in the tenant, or none at all."""
        if not self.tenant:
            return [f"no suite of {self.project} starts"]
        stopped = [run for run in self.tenant.values() if run.problem]
        broken = [f"{run.suite} did not end inside the tenant: {run.problem}" for run in stopped]
        return broken + self.verdict.complaints

    @property
    def not_started(self) -> dict[str, str]:
        """The suites that did not run plain either, with the reason."""
        return {suite: run.problem for suite, run in sorted(self.plain.items()) if run.problem}


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as plain data."""
    return {
        "project": report.project,
        "engine": report.engine,
        "suites": len(report.tenant),
        "tests": _tests(report.tenant),
        "plain": _statuses(report.plain),
        "tenant": _statuses(report.tenant),
        "not_started": report.not_started,
        "by_name": [asdict(item) for item in report.verdict.by_name],
        "listed": [asdict(item) for item in report.verdict.listed],
        "unlisted": [asdict(item) for item in report.verdict.unlisted],
        "complaints": report.complaints,
    }


def as_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    verdict = report.verdict
    others = verdict.listed + verdict.unlisted
    not_started = report.not_started
    lines = [
        f"## {report.project} inside a tenant ({report.engine})",
        "",
        f"* {len(report.tenant)} suites, {_tests(report.tenant)} tests",
        f"* {len(verdict.by_name) + len(others)} end otherwise than without a tenant",
        f"* {len(verdict.by_name)} of them as without one when the tenant is called `default`",
        f"* {len(others)} others, {len(verdict.listed)} with their cause on record",
        f"* {len(not_started)} suites do not start without a tenant either",
        *_section("Suites that do not start", [f"{suite}: {why}" for suite, why in not_started.items()]),
        *_section("Explained by the name", [_line(item) for item in verdict.by_name]),
        *_section("Others", [_line(item) for item in others]),
        *_section("Not good enough", report.complaints),
    ]
    return "\n".join(lines)


def _section(title: str, items: list[str]) -> list[str]:
    return ["", f"### {title}", "", *(f"* {item}" for item in items)] if items else []


def _line(item: Difference) -> str:
    return f"`{item.test}`: {item.plain.status} → {item.tenant.status} (control: {item.control.status})"


def _tests(runs: Runs) -> int:
    return sum(len(run.outcomes) for run in runs.values())


def _statuses(runs: Runs) -> dict[str, int]:
    return dict(Counter(outcome.status for run in runs.values() for outcome in run.outcomes.values()))
