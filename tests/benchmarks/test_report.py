"""Figures are told as they are: medians, and ratios of what was measured side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import Case, Report, Subject, table

BASE = Subject("base", [{"cpu_us": 10.0}, {"cpu_us": 100.0}, {"cpu_us": 20.0}])
OTHER = Subject("other", [{"cpu_us": 11.0}, {"cpu_us": 300.0}, {"cpu_us": 24.0}])


@pytest.fixture
def case() -> Case:
    return Case("3 tenants", [BASE, OTHER], "base")


@pytest.fixture
def report(case: Case) -> Report:
    return Report("thing", "A thing", ["It is measured."], [case], {"processor": "one"})


def test_the_median_is_of_all_rounds() -> None:
    assert BASE.median("cpu_us") == 20


def test_a_ratio_is_the_median_of_what_each_round_says() -> None:
    assert OTHER.ratio("cpu_us", BASE) == pytest.approx(1.2)
    assert OTHER.median("cpu_us") / BASE.median("cpu_us") == pytest.approx(1.2)
    noisy = Subject("noisy", [{"cpu_us": 9.0}, {"cpu_us": 90.0}, {"cpu_us": 180.0}])
    assert noisy.ratio("cpu_us", BASE) == pytest.approx(0.9)


def test_rounds_that_were_not_made_side_by_side_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        Subject("short", [{"cpu_us": 1.0}]).ratio("cpu_us", BASE)


def test_a_table_has_a_row_for_each_subject_and_columns_that_stand_in_line(case: Case) -> None:
    title, line, header, *rows = table(case)
    assert title == "3 tenants"
    assert {len(row) for row in (line, header, *rows)} == {len(line)}
    assert [row.split() for row in rows] == [["base", "20", "1.00"], ["other", "24", "1.20"]]
    assert header.split() == ["cpu", "us", "×", "base"]


def test_without_a_baseline_there_are_no_ratios(case: Case) -> None:
    alone = Case("3 tenants", case.subjects)
    assert [row.split() for row in table(alone)[3:]] == [["base", "20"], ["other", "24"]]
    assert alone.ratio(OTHER, "cpu_us") is None


def test_the_text_tells_method_and_machine_with_the_table(report: Report) -> None:
    text = report.text()
    assert "It is measured." in text
    assert "processor   one" in text
    assert "3 tenants" in text


def test_the_json_holds_each_round(report: Report, tmp_path: Path) -> None:
    path = report.write(tmp_path / "results")
    assert path.name == "thing.json"
    [case] = json.loads(path.read_text())["cases"]
    assert case["baseline"] == "base"
    assert case["subjects"][1] == {
        "subject": "other",
        "median": {"cpu_us": 24.0},
        "ratio": {"cpu_us": 1.2},
        "rounds": [{"cpu_us": 11.0}, {"cpu_us": 300.0}, {"cpu_us": 24.0}],
    }
