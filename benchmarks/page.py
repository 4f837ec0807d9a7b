"""The figures of the last run, put into the page of the documentation; `./run bench --page` calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, shown

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "benchmarks.md"
#: Where a benchmark's figures stand on the page.
PLACE = re.compile(r"(<!-- figures of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write(page: Path = PAGE, results: Path = RESULTS) -> list[str]:
    """Put in what there is, and leave the rest as it was; answers the names of the benchmarks that were put in."""
    written = []

    def figures(place: re.Match[str]) -> str:
        path = results / f"{place[2]}.json"
        if not path.exists():
            return place[0]
        written.append(place[2])
        return place[1] + "\n".join(markdown(json.loads(path.read_text()))) + "\n" + place[3]

    page.write_text(PLACE.sub(figures, page.read_text(encoding="utf-8")), encoding="utf-8")
    return written


def markdown(report: Mapping[str, Any]) -> list[str]:
    """A benchmark's cases as tables, and what they were measured on."""
    tables = [line for case in report["cases"] for line in ("", *table(case))]
    machine = "; ".join(f"{name}: {what}" for name, what in report["machine"].items())
    return [*tables, "", f"*{machine}*", ""]


def table(case: Mapping[str, Any]) -> list[str]:
    """One case: each figure, and in parentheses how many times the baseline's it is."""
    metrics = list(case["subjects"][0]["median"])
    head = [case["case"], *(metric.replace("_", " ") for metric in metrics)]
    rows = [[subject["subject"], *(cell(subject, metric) for metric in metrics)] for subject in case["subjects"]]
    return [line(head), line(["---", *("---:" for _ in metrics)]), *map(line, rows)]


def cell(subject: Mapping[str, Any], metric: str) -> str:
    """A figure, with its ratio where there is a baseline."""
    ratio = subject["ratio"][metric]
    return shown(subject["median"][metric]) + ("" if ratio is None else f" ({ratio:.2f}×)")


def line(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"
