"""Tests that pytest runs are recorded one by one, and a run in which none passes is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat.outcomes import read_outcomes
from tests.compat.pytests import Recorder, configured

TESTS = """
import pytest
def test_ok(): ...
def test_fail(): assert False
def test_skip(): pytest.skip("a reason")
@pytest.fixture
def broken(): raise LookupError
def test_error(broken): ...
@pytest.mark.xfail
def test_expected(): assert False
"""
EXPECTED = {
    "test_ok": "ok",
    "test_fail": "fail",
    "test_skip": "skip",
    "test_error": "error",
    "test_expected": "expected failure",
}


def test_each_outcome_is_recorded(pytester: pytest.Pytester, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"

    def write(line: str) -> None:
        with record.open("a") as file:
            file.write(line + "\n")

    recorder = Recorder(write)
    pytester.makepyfile(TESTS)
    pytester.inline_run("-p", "no:randomly", "-p", "no:asyncio", plugins=[recorder])
    outcomes, _ = read_outcomes(record)
    assert {test.partition("::")[2]: outcome.status for test, outcome in outcomes.items()} == EXPECTED
    assert recorder.passed == 1


@pytest.mark.parametrize("arguments", ["", "config"])
def test_the_settings_are_those_of_the_conftest(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    conftest = tmp_path / "tests" / "conftest.py"
    monkeypatch.chdir(tmp_path)
    conftest.write_text(
        f"def pytest_configure({arguments}):\n"
        "    from django.conf import settings\n"
        "    settings.configure(SITE_ID=7)\n"
        "    raise RuntimeError('not reached')\n"
    )
    assert configured() == {"SITE_ID": 7}
    conftest.write_text(f"def pytest_configure({arguments}): ...\n")
    with pytest.raises(RuntimeError, match="configures nothing"):
        configured()
