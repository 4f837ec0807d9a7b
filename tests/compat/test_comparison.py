"""The comparison must not call a run good that is not: each verdict with its counterpart."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.compat.comparison import EXCEPTIONS, Difference, differences, judge, load_exceptions, suite_of, with_control
from tests.compat.outcomes import Outcome, finished_line, outcome_line, read_outcomes, started_line
from tests.compat.report import Report, as_json, as_markdown
from tests.compat.results import Runs, load_runs, save_runs
from tests.compat.suites import SuiteRun

OK, FAIL = Outcome("ok"), Outcome("fail", "a traceback")
NAME, OTHER = "basic.tests.Case.test_name", "basic.tests.Case.test_other"


def runs(mode: str, problem: str = "", **outcomes: Outcome) -> Runs:
    named = {f"basic.tests.Case.{test}": outcome for test, outcome in outcomes.items()}
    return {"basic": SuiteRun("basic", mode, 1.0, problem, named)}


def found(*, control: Outcome) -> list[Difference]:
    pairs = differences(runs("plain", test_name=OK), runs("tenant", test_name=FAIL))
    return with_control(pairs, runs("control", test_name=control))


def test_equal_outcomes_are_no_difference() -> None:
    assert differences(runs("plain", test_name=OK), runs("tenant", test_name=OK)) == []


def test_another_outcome_is_a_difference() -> None:
    assert [item.test for item in found(control=FAIL)] == [NAME]


def test_a_test_that_is_missing_in_the_tenant_is_a_difference() -> None:
    [item] = differences(runs("plain", test_name=OK), runs("tenant"))
    assert (item.plain.status, item.tenant.status) == ("ok", "missing")


def test_a_test_that_only_the_tenant_run_holds_is_a_difference() -> None:
    [item] = differences(runs("plain"), runs("tenant", test_name=FAIL))
    assert (item.plain.status, item.tenant.status) == ("missing", "fail")


def test_a_difference_that_the_control_lacks_is_explained() -> None:
    verdict = judge(found(control=OK), exceptions={})
    assert len(verdict.by_name) == 1
    assert verdict.complaints == []


def test_a_difference_that_the_control_shares_is_a_complaint() -> None:
    verdict = judge(found(control=FAIL), exceptions={})
    assert [item.test for item in verdict.unlisted] == [NAME]
    assert len(verdict.complaints) == 1


@pytest.mark.parametrize(
    ("plain", "tenant"),
    [(runs("plain"), runs("tenant", test_name=FAIL)), (runs("plain", test_name=OK), runs("tenant"))],
    ids=["plain", "tenant"],
)
def test_a_test_that_a_run_lacks_is_not_explained_by_the_control(plain: Runs, tenant: Runs) -> None:
    verdict = judge(with_control(differences(plain, tenant), plain), exceptions={})
    assert [item.test for item in verdict.unlisted] == [NAME]


def test_a_difference_with_its_cause_on_record_is_none() -> None:
    verdict = judge(found(control=FAIL), exceptions={NAME: "It counts files."})
    assert [item.test for item in verdict.listed] == [NAME]
    assert verdict.complaints == []


@pytest.mark.parametrize(("number", "complaints"), [(5, 0), (6, 1)])
def test_more_than_five_causes_on_record_are_a_complaint(number: int, complaints: int) -> None:
    items = [Difference("basic", f"basic.tests.Case.test_{n}", OK, FAIL, FAIL) for n in range(number)]
    verdict = judge(items, exceptions={item.test: "A cause." for item in items})
    assert len(verdict.complaints) == complaints


def test_a_cause_on_record_whose_test_differs_no_longer_is_a_complaint() -> None:
    verdict = judge([], exceptions={NAME: "It counts files."})
    assert verdict.stale == [NAME]
    assert len(verdict.complaints) == 1


def test_a_cause_on_record_is_stale_too_when_the_name_explains_it() -> None:
    verdict = judge(found(control=OK), exceptions={NAME: "It counts files."})
    assert verdict.stale == [NAME]


CAUSES = """
[[exception]]
test = "basic.tests.Case.test_name"
cause = "It counts files."
[[exception]]
test = "basic.tests.Case.test_server"
engine = "postgres"
cause = "It counts servers."
[[exception]]
test = "basic.tests.Case.test_new"
django = "6.1"
cause = "It is new."
[[exception]]
project = "silk"
test = "tests.Case.test_threads"
cause = "It counts threads."
"""


@pytest.mark.parametrize(
    ("project", "engine", "suites", "tests"),
    [
        ("django5.2.19", "sqlite3.40", ["basic"], ["test_name"]),
        ("django5.2.19", "sqlite3.40", ["cache"], []),
        ("django5.2.19", "postgres18.4", ["basic"], ["test_name", "test_server"]),
        ("django6.1.3", "sqlite3.40", ["basic"], ["test_name", "test_new"]),
        ("silk5.6-django6.1.3", "sqlite3.40", ["silk"], ["test_threads"]),
    ],
)
def test_a_cause_on_record_is_for_the_runs_that_it_names(
    tmp_path: Path, project: str, engine: str, suites: list[str], tests: list[str]
) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text(CAUSES)
    causes = load_exceptions(file, project=project, engine=engine, suites=suites)
    assert [test.rpartition(".")[2] for test in causes] == tests


def test_a_suite_that_does_not_end_in_the_tenant_is_a_complaint() -> None:
    plain, tenant = runs("plain", test_name=OK), runs("tenant", problem="killed", test_name=OK)
    report = Report("django5.2", "sqlite", plain, tenant, judge([], exceptions={}))
    assert report.complaints == ["basic did not end inside the tenant: killed"]


def test_a_suite_that_does_not_start_is_named_and_counted() -> None:
    report = Report("django5.2", "sqlite", runs("plain", problem="no GIS"), {}, judge([], exceptions={}))
    assert "* 1 suites do not start" in as_markdown(report)
    assert as_json(report)["not_started"] == {"basic": "no GIS"}


def test_nothing_that_starts_is_a_complaint() -> None:
    report = Report("silk5.6", "sqlite", runs("plain", problem="no such module"), {}, judge([], exceptions={}))
    assert report.complaints == ["no suite of silk5.6 starts"]


def test_the_report_names_each_difference() -> None:
    verdict = judge(found(control=FAIL), exceptions={})
    report = Report("django5.2", "sqlite", runs("plain"), runs("tenant"), verdict)
    assert NAME in as_markdown(report)
    assert [item["test"] for item in as_json(report)["unlisted"]] == [NAME]


def test_the_suite_of_a_failed_class_setup_is_found() -> None:
    assert suite_of("setUpClass (basic.tests.Case)") == suite_of(NAME) == "basic"


def test_each_exception_on_record_has_a_cause() -> None:
    entries = tomllib.loads(EXCEPTIONS.read_text())["exception"]
    assert all(entry["cause"].endswith(".") for entry in entries)


def test_a_record_yields_the_worst_outcome_of_each_test(tmp_path: Path) -> None:
    record = tmp_path / "record"
    lines = [started_line(NAME), outcome_line(NAME, OK), outcome_line(NAME, FAIL), finished_line()]
    record.write_text("\n".join(lines))
    assert read_outcomes(record) == ({NAME: FAIL}, True)


def test_a_test_that_began_and_did_not_end_hung(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.write_text("\n".join([started_line(NAME), outcome_line(NAME, OK), started_line(OTHER)]))
    assert read_outcomes(record) == ({NAME: OK, OTHER: Outcome("hung")}, False)


def test_a_suite_without_a_record_did_not_start(tmp_path: Path) -> None:
    outcomes, finished = read_outcomes(tmp_path / "record")
    assert (outcomes, finished) == ({}, False)


def test_kept_runs_come_back_as_they_were(tmp_path: Path) -> None:
    kept = runs("plain", test_name=OK, test_other=FAIL)
    save_runs(tmp_path / "runs.json", kept)
    assert load_runs(tmp_path / "runs.json") == kept
