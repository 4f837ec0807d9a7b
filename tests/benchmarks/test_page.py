"""The page of the documentation is given the figures of the last run, and keeps the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.page import write
from benchmarks.report import Case, Report, Subject

TEXT = "Before.\n<!-- figures of thing -->\nold\n<!-- end -->\nBetween.\n<!-- figures of other -->\nold\n<!-- end -->\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    subjects = [Subject("base", [{"cpu_us": 10.0}]), Subject("other", [{"cpu_us": 12.0}])]
    Report("thing", "A thing", [], [Case("3 tenants", subjects, "base")], {"memory": "1 GiB"}).write(tmp_path)
    return tmp_path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    return page


def test_figures_take_the_place_of_older_ones(page: Path, results: Path) -> None:
    assert write(page, results) == ["thing"]
    text = page.read_text()
    assert "| 3 tenants | cpu us |" in text
    assert "| other | 12 (1.20×) |" in text
    assert "*memory: 1 GiB*" in text
    assert text.count("old") == 1


def test_what_was_not_measured_is_left(page: Path, results: Path) -> None:
    write(page, results)
    assert page.read_text().endswith("Between.\n<!-- figures of other -->\nold\n<!-- end -->\n")


def test_writing_twice_changes_nothing(page: Path, results: Path) -> None:
    write(page, results)
    once = page.read_text()
    write(page, results)
    assert page.read_text() == once
