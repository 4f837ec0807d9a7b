"""A suite runs in a process of its own, which is read while it lives and stopped when it takes too long."""

from __future__ import annotations

import tarfile
import time
from pathlib import Path

import pytest

from tests.compat import suites
from tests.compat.results import run_all
from tests.compat.source import SourceError, directory_of_tests
from tests.compat.suites import SuiteRun, run_suite, suite_names

FINISHED = 'open(os.environ["COMPAT_RECORD"], "w").write(json.dumps({"finished": True}))'
BEGUN = 'open(os.environ["COMPAT_RECORD"], "w").write(json.dumps({"started": "basic.tests.Case.test_name"}))'


def script(directory: Path, *lines: str) -> Path:
    """A directory with a stand-in for Django's `runtests.py`."""
    (directory / "runtests.py").write_text("\n".join(["import json, os, sys, time", *lines]))
    return directory


def test_a_suite_that_ends_has_no_problem(tmp_path: Path) -> None:
    run = run_suite("basic", mode="plain", tests=script(tmp_path, FINISHED), time_limit=30)
    assert (run.problem, run.started) == ("", True)


def test_a_suite_that_cannot_start_says_why(tmp_path: Path) -> None:
    run = run_suite("basic", mode="plain", tests=script(tmp_path, 'sys.exit("no such engine")'), time_limit=30)
    assert (run.problem, run.started) == ("no such engine", False)


def test_a_suite_that_dies_in_the_middle_has_begun(tmp_path: Path) -> None:
    run = run_suite("basic", mode="plain", tests=script(tmp_path, BEGUN, "os._exit(3)"), time_limit=30)
    assert (run.problem, run.started) == ("ended with code 3 and no output", True)
    assert run.outcomes["basic.tests.Case.test_name"].status == "hung"


def test_a_suite_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    run = run_suite("basic", mode="plain", tests=script(tmp_path, BEGUN, "time.sleep(60)"), time_limit=1)
    assert run.problem == "stopped after 1 seconds"


def test_the_suites_are_those_that_runtests_knows(tmp_path: Path) -> None:
    names = 'def get_test_modules(gis_enabled): return ["basic", "gis_tests", "gis_tests.geoapp"]'
    assert suite_names(script(tmp_path, names)) == ["basic", "gis_tests.geoapp"]


def test_an_error_stops_the_suites_that_run(tmp_path: Path) -> None:
    tests = script(tmp_path, 'time.sleep(60 if sys.argv[-1] == "slow" else 0)')
    began = time.monotonic()

    def complain(run: SuiteRun) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(
            ["slow", "fast"],
            run=lambda suite: run_suite(suite, mode="plain", tests=tests, time_limit=50),
            jobs=2,
            done=complain,
        )
    assert time.monotonic() - began < 40
    assert not suites.running


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "django-9.9.tar.gz").write_bytes(b"")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        directory_of_tests("9.9", cache=tmp_path)


def test_an_archive_without_tests_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "django-9.9.tar.gz", "w:gz"):
        pass
    with pytest.raises(SourceError, match="without its tests"):
        directory_of_tests("9.9", cache=tmp_path)
