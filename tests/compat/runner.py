"""Django's test runner with a record: one line per test, named in the settings of the compat runs."""

from __future__ import annotations

import os
import traceback
import unittest
from pathlib import Path
from typing import Any

from django.test.runner import DiscoverRunner

from tests.compat.outcomes import Outcome, finished_line, outcome_line, started_line, worse
from tests.compat.pytests import PytestRun

DETAIL_LENGTH = 4000


class RecordingResult(unittest.TextTestResult):
    """A result that writes each outcome down at once: a suite that dies tells how far it came."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open: dict[str, Outcome] = {}

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  (unittest's name)
        super().startTest(test)
        self._open[test.id()] = Outcome("ok")
        write(started_line(test.id()))

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802  (unittest's name)
        super().stopTest(test)
        # Python 3.12.1 stops tests of a class that is skipped without having started them.
        if test.id() in self._open:
            write(outcome_line(test.id(), self._open.pop(test.id())))

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802  (unittest's name)
        super().addError(test, err)
        self._note(test, Outcome("error", _tail(err)))

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802  (unittest's name)
        super().addFailure(test, err)
        self._note(test, Outcome("fail", _tail(err)))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802  (unittest's name)
        super().addSkip(test, reason)
        self._note(test, Outcome("skip", reason))

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802  (unittest's name)
        super().addExpectedFailure(test, err)
        self._note(test, Outcome("expected failure"))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802  (unittest's name)
        super().addUnexpectedSuccess(test)
        self._note(test, Outcome("unexpected success"))

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802  (unittest's name)
        super().addSubTest(test, subtest, err)
        if err is not None:
            status = "fail" if issubclass(err[0], test.failureException) else "error"
            self._note(test, Outcome(status, f"{subtest}\n{_tail(err)}"))

    def _note(self, test: unittest.TestCase, outcome: Outcome) -> None:
        # A failing setUpClass, and Django's checks before and after a test, report without an open test.
        test = getattr(test, "test_case", test)
        if test.id() in self._open:
            self._open[test.id()] = worse(self._open[test.id()], outcome)
        else:
            write(outcome_line(test.id(), outcome))


class RecordingRunner(DiscoverRunner):
    """Django's runner with the recording result."""

    def get_resultclass(self) -> type[unittest.TextTestResult]:
        return RecordingResult

    def build_suite(self, test_labels: Any = None, **kwargs: Any) -> Any:
        if os.environ.get("COMPAT_PYTEST"):
            return unittest.TestSuite([PytestRun(list(test_labels), write)])
        return super().build_suite(test_labels, **kwargs)

    def run_checks(self, databases: Any) -> None:
        if not os.environ.get("COMPAT_PYTEST"):  # pytest does not run them
            super().run_checks(databases)

    def run_suite(self, suite: Any, **kwargs: Any) -> Any:
        result = super().run_suite(suite, **kwargs)
        write(finished_line())
        return result


def write(line: str) -> None:
    """Append a line to the record of this run."""
    with Path(os.environ["COMPAT_RECORD"]).open("a") as record:
        record.write(line + "\n")


def _tail(err: Any) -> str:
    return "".join(traceback.format_exception(*err))[-DETAIL_LENGTH:]
