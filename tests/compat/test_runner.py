"""The recording result writes what unittest reports, subtests and broken class setups included."""

from __future__ import annotations

import io
import unittest
from pathlib import Path

import pytest

from tests.compat.outcomes import read_outcomes
from tests.compat.runner import RecordingResult


class Sample(unittest.TestCase):
    def test_ok(self) -> None: ...

    def test_fail(self) -> None:
        self.fail("on purpose")

    def test_error(self) -> None:
        raise LookupError("on purpose")

    def test_skip(self) -> None:
        self.skipTest("a reason")

    def test_subtests(self) -> None:
        for number in range(3):
            with self.subTest(number=number):
                assert number != 1

    @unittest.expectedFailure
    def test_expected(self) -> None:
        self.fail("on purpose")

    @unittest.expectedFailure
    def test_unexpected(self) -> None: ...


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        raise LookupError("on purpose")

    def test_never(self) -> None: ...


# Only the test below runs them.
Sample.__test__ = Broken.__test__ = False  # type: ignore[attr-defined]

EXPECTED = {
    "test_ok": "ok",
    "test_fail": "fail",
    "test_error": "error",
    "test_skip": "skip",
    "test_subtests": "fail",
    "test_expected": "expected failure",
    "test_unexpected": "unexpected success",
}


def statuses(case: type[unittest.TestCase], record: Path) -> dict[str, str]:
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    unittest.TextTestRunner(stream=io.StringIO(), resultclass=RecordingResult).run(suite)
    return {test: outcome.status for test, outcome in read_outcomes(record)[0].items()}


def test_each_outcome_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPAT_RECORD", str(tmp_path / "record"))
    found = statuses(Sample, tmp_path / "record")
    assert {test.rpartition(".")[2]: status for test, status in found.items()} == EXPECTED


def test_a_class_that_cannot_be_set_up_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPAT_RECORD", str(tmp_path / "record"))
    found = statuses(Broken, tmp_path / "record")
    assert found == {f"setUpClass ({Broken.__module__}.Broken)": "error"}
