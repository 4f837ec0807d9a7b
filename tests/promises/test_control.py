"""The controls themselves: a test that passes without its guard is found out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.promises.control import KEPT, Without, guarded_by, must_fail


class Guard:
    @staticmethod
    def refuse() -> None:
        raise ValueError("guarded")


def asks_for_the_guard() -> None:
    with pytest.raises(ValueError, match="guarded"):
        Guard.refuse()


def test_a_body_that_fails_is_what_a_control_wants() -> None:
    with Without(Guard, "refuse")():
        must_fail(asks_for_the_guard, {})


def test_a_body_that_passes_fails_the_control() -> None:
    with pytest.raises(pytest.fail.Exception, match="without its guard"):
        must_fail(lambda: None, {})


def test_an_error_of_another_kind_is_no_proof() -> None:
    def broken() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        must_fail(broken, {})


@guarded_by(Without(Guard, "refuse"))
@pytest.mark.parametrize("number", [1, 2])
def test_both_runs_get_fixtures_and_parameters(number: int, tmp_path: Any) -> None:
    assert number in {1, 2}
    assert tmp_path.exists()
    asks_for_the_guard()


def test_each_removal_is_a_run_of_its_own() -> None:
    marks = test_both_runs_get_fixtures_and_parameters.pytestmark
    assert [KEPT, "without refuse"] in [mark.args[1] for mark in marks]
