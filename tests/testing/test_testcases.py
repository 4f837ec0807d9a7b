"""Django's test classes keep tenants apart from test to test; without the test kit they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compat.outcomes import Outcome, read_outcomes

ROOT = Path(__file__).resolve().parents[2]
# These end badly because that is right.
EXPECTED = {
    "BrokenConstraint.test_fails_at_its_end": "error",
    "Leaking.test_1_leaves_a_tenant_entered": "error",
    "tearDownClass (LeakingClass)": "error",
}


def run_scenarios(runner: str, directory: Path) -> dict[str, Outcome]:
    record = directory / "record"
    settings = "tests.testing.scenario_settings"
    environment = {**os.environ, "COMPAT_RECORD": str(record), "DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-m", "django", "test", "tests.testing.scenarios", "--noinput"]
    output = subprocess.run(
        [*command, f"--testrunner=tests.testing.scenario_runner.{runner}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes, finished = read_outcomes(record)
    assert finished, output.stdout + output.stderr
    return {test.replace("tests.testing.scenarios.", ""): outcome for test, outcome in outcomes.items()}


@pytest.fixture(scope="module")
def with_kit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_scenarios("KitScenarios", tmp_path_factory.mktemp("kit"))


def test_every_scenario_ends_as_it_should(with_kit: dict[str, Outcome]) -> None:
    wrong = {
        test: outcome.detail or outcome.status
        for test, outcome in with_kit.items()
        if outcome.status != EXPECTED.get(test, "ok")
    }
    assert not wrong, "\n".join(f"{test}: {detail}" for test, detail in wrong.items())


def test_each_expected_failure_happened(with_kit: dict[str, Outcome]) -> None:
    assert EXPECTED.keys() <= with_kit.keys()


def test_a_leak_is_named(with_kit: dict[str, Outcome]) -> None:
    assert "ended in a" in with_kit["Leaking.test_1_leaves_a_tenant_entered"].detail


def test_without_the_kit_scenarios_fail(tmp_path: Path) -> None:
    """The control: were these to pass with Django's own classes, the scenarios would show nothing."""
    outcomes = run_scenarios("PlainScenarios", tmp_path)
    for test in (
        "ARollbackToContents.test_2_finds_what_was_there",
        "AfterNoDatabase.test_public_and_tenants_may_be_used_again",
        "EnteredForTheClassData.test_2_finds_the_class_data_as_they_were",
        "EnteredInSetUp.test_2_finds_nothing_left",
        "EnteredInTheTest.test_2_finds_nothing_left",
        "EnteredInTheTest.test_5_catches_callbacks",
        "Flushed.test_2_finds_nothing_left",
        "Flushed.test_3_finds_the_registry_as_it_was",
        "Leaking.test_2_begins_on_the_public_site",
        "NoDatabase.test_2_refuses_public",
        "NoDatabase.test_3_refuses_other_threads",
        "NoDatabaseInATenant.test_refuses_public",
    ):
        assert outcomes[test].status in {"error", "fail"}, test
