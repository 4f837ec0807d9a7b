"""Packages whose tests pytest runs: their settings, and a suite of Django's runner that is one run of pytest."""

from __future__ import annotations

import os
import runpy
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings

from tests.compat.outcomes import Outcome, outcome_line, started_line

DETAIL_LENGTH = 4000


class Configured(BaseException):
    """Ends the conftest of a package where it has said what the settings are."""


def configured() -> dict[str, Any]:
    """The settings that a package's ``tests/conftest.py`` gives to ``settings.configure``."""
    found: dict[str, Any] = {}

    def note(self: Any, **options: Any) -> None:
        found.update(options)
        raise Configured

    stock = LazySettings.configure
    LazySettings.configure = note  # type: ignore[method-assign,assignment]  # for as long as the conftest runs
    try:
        configure = runpy.run_path(str(Path.cwd() / "tests" / "conftest.py"))["pytest_configure"]
        configure(*[SimpleNamespace(getoption=lambda name: None)] * configure.__code__.co_argcount)
    except Configured:
        return found
    finally:
        LazySettings.configure = stock  # type: ignore[method-assign]
    raise RuntimeError("tests/conftest.py configures nothing. Name the package's settings in projects.toml.")


class PytestRun(unittest.TestCase):
    """All tests that pytest finds at some paths, as one test of Django's runner; their outcomes are recorded apart."""

    databases = "__all__"

    def __init__(self, paths: list[str], write: Any) -> None:
        super().__init__()
        self.paths, self.recorder = paths, Recorder(write)
        # Their modules define models, which are to be known before the databases are made.
        run_pytest(["--collect-only", "-qq", *paths], [])

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        raise NotImplementedError

    def run(self, result: Any = None) -> Any:
        code = run_pytest(["-q", *self.paths], [self.recorder])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise RuntimeError(f"pytest ended with {code!r}.")
        if not self.recorder.passed:
            raise RuntimeError("No test passed, so that there is nothing to compare.")
        return result


def run_pytest(arguments: list[str], plugins: list[Any]) -> int | pytest.ExitCode:
    """Run pytest with the settings that are in place, whatever the package's conftest would have."""
    stock = LazySettings.configure
    LazySettings.configure = lambda self, **options: None  # type: ignore[method-assign]  # as long as it runs
    # The package `tests` is ours, with a place for theirs in it: see manage.py.
    os.environ["PY_IGNORE_IMPORTMISMATCH"] = "1"
    options = ("no:cacheprovider", "no:randomly", "no:xdist", "no:multi_tenant")
    try:
        return pytest.main([*(word for name in options for word in ("-p", name)), *arguments], plugins=plugins)
    finally:
        LazySettings.configure = stock  # type: ignore[method-assign]


class Recorder:
    """A plugin for pytest that writes each outcome down."""

    def __init__(self, write: Any) -> None:
        self.write = write
        self.passed = 0

    def pytest_configure(self, config: pytest.Config) -> None:
        # After pytest-django, in place of whose fixtures it stands.
        config.pluginmanager.register(LeftToDjango())

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.write(started_line(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.passed += report.passed
            self.write(outcome_line(report.nodeid, outcome_of(report)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.write(outcome_line(report.nodeid, Outcome("error", report.longreprtext[-DETAIL_LENGTH:])))


class LeftToDjango:
    """What pytest-django would set up, and Django's runner has by now."""

    @pytest.fixture(scope="session", autouse=True)
    def django_test_environment(self) -> None: ...

    @pytest.fixture(scope="session")
    def django_db_setup(self) -> None: ...


def outcome_of(report: pytest.TestReport) -> Outcome:
    """What became of a test, or of what goes before and after it."""
    if report.passed:
        return Outcome("ok")
    if report.skipped:
        return Outcome("expected failure") if hasattr(report, "wasxfail") else Outcome("skip", report.longreprtext)
    return Outcome("fail" if report.when == "call" else "error", report.longreprtext[-DETAIL_LENGTH:])
