"""A suite runs in a process of its own, which is read while it lives and stopped when it takes too long."""

from __future__ import annotations

import tarfile
import time
from pathlib import Path

import pytest

from tests.compat import suites
from tests.compat.bench import Bench
from tests.compat.engines import SQLite
from tests.compat.projects import PACKAGES, Django, Package, chosen
from tests.compat.results import run_all, save_runs
from tests.compat.source import SourceError, unpacked
from tests.compat.suites import SuiteRun, run_suite

FINISHED = 'open(os.environ["COMPAT_RECORD"], "w").write(json.dumps({"finished": True}))'
BEGUN = 'open(os.environ["COMPAT_RECORD"], "w").write(json.dumps({"started": "basic.tests.Case.test_name"}))'

PACKAGE_TEST = """
from django.conf import settings
from django.test import TestCase

class Case(TestCase):
    def test_it(self):
        assert settings.SETTINGS_MODULE == "tests.compat.settings.plain"
"""


def script(directory: Path, *lines: str) -> Django:
    """A Django with a stand-in for its `runtests.py`."""
    (directory / "runtests.py").write_text("\n".join(["import json, os, sys, time", *lines]))
    return Django(directory)


def run(project: Django, *, suite: str = "basic", time_limit: float = 30) -> SuiteRun:
    return run_suite(suite, mode="plain", project=project, engine=SQLite(), time_limit=time_limit)


def test_a_suite_that_ends_has_no_problem(tmp_path: Path) -> None:
    found = run(script(tmp_path, FINISHED))
    assert (found.problem, found.started) == ("", True)


def test_a_suite_that_cannot_start_says_why(tmp_path: Path) -> None:
    found = run(script(tmp_path, 'sys.exit("no such engine")'))
    assert (found.problem, found.started) == ("no such engine", False)


def test_the_reason_is_the_error_and_not_the_servers_remarks_below_it(tmp_path: Path) -> None:
    found = run(script(tmp_path, r'sys.exit("psycopg.Error: no collation\nLINE 1: CREATE\n    ^\nHINT:  Install it.")'))
    assert found.problem == "psycopg.Error: no collation"


def test_a_suite_that_dies_in_the_middle_has_begun(tmp_path: Path) -> None:
    found = run(script(tmp_path, BEGUN, "os._exit(3)"))
    assert (found.problem, found.started) == ("ended with code 3 and no output", True)
    assert found.outcomes["basic.tests.Case.test_name"].status == "hung"


def test_a_suite_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    found = run(script(tmp_path, BEGUN, "time.sleep(60)"), time_limit=1)
    assert found.problem == "stopped after 1 seconds"


def test_the_suites_are_those_that_runtests_knows(tmp_path: Path) -> None:
    names = 'def get_test_modules(gis_enabled): return ["basic", "gis_tests", "gis_tests.geoapp"]'
    assert script(tmp_path, names).suites() == ["basic", "gis_tests.geoapp"]


def test_an_error_stops_the_suites_that_run(tmp_path: Path) -> None:
    tests = script(tmp_path, 'time.sleep(60 if sys.argv[-1] == "slow" else 0)')
    began = time.monotonic()

    def complain(run: SuiteRun) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(
            ["slow", "fast"],
            run=lambda suite: run(tests, suite=suite, time_limit=50),
            jobs=2,
            done=complain,
        )
    assert time.monotonic() - began < 40
    assert not suites.running


def test_a_suite_that_there_is_not_is_refused(tmp_path: Path) -> None:
    names = 'def get_test_modules(gis_enabled): return ["basic"]'
    with pytest.raises(SourceError, match="no suite called basics"):
        chosen(script(tmp_path, names), ["basics"])


def test_a_package_runs_with_its_own_settings_and_its_tests_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").write_text("")
    (tmp_path / "tests" / "options.py").write_text('DATABASES = {"default": {}}\nINSTALLED_APPS = []\n')
    (tmp_path / "tests" / "test_it.py").write_text(PACKAGE_TEST)
    package = Package("sample", tmp_path, {"settings": "tests.options", "labels": ["tests"], "version": "1"})
    found = run_suite("sample", mode="plain", project=package, engine=SQLite(), time_limit=60)
    assert (found.problem, list(found.outcomes)) == ("", ["tests.test_it.Case.test_it"])
    assert found.outcomes["tests.test_it.Case.test_it"].status == "ok"


def test_each_package_is_pinned() -> None:
    assert all({"distribution", "version", "settings", "labels"} <= set(about) for about in PACKAGES.values())


@pytest.mark.parametrize(("resume", "times"), [(True, 1), (False, 2)])
def test_a_suite_whose_run_is_kept_is_not_run_again_in_order_to_resume(
    tmp_path: Path, resume: bool, times: int
) -> None:
    project = script(tmp_path, FINISHED, 'open("runs", "a").write("x")')
    bench = Bench(project, SQLite(), cache=tmp_path / "cache", jobs=1, time_limit=30)
    first = bench.run("plain", ["basic"], resume=resume)
    assert bench.run("plain", ["basic"], resume=resume).keys() == first.keys()
    assert len((tmp_path / "runs").read_text()) == times


def test_a_suite_that_was_stopped_is_run_again(tmp_path: Path) -> None:
    project = script(tmp_path, BEGUN, 'open("runs", "a").write("x")')
    bench = Bench(project, SQLite(), cache=tmp_path / "cache", jobs=1, time_limit=30)
    for _ in range(2):
        bench.run("plain", ["basic"], resume=True)
    assert len((tmp_path / "runs").read_text()) == 2


def test_keeping_runs_leaves_nothing_but_their_file(tmp_path: Path) -> None:
    save_runs(tmp_path / "kept.json", {"basic": SuiteRun("basic", "plain", 1.0)})
    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "django-9.9.tar.gz").write_bytes(b"")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        unpacked("django", "9.9", holds="tests", cache=tmp_path)


def test_an_archive_without_tests_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "django-9.9.tar.gz", "w:gz"):
        pass
    with pytest.raises(SourceError, match="without its tests"):
        unpacked("django", "9.9", holds="tests", cache=tmp_path)
