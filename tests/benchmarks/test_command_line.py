"""`./run bench` says what there is, and refuses what there is not."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import main, parsed, scale_of
from benchmarks.bench import SMOKE, Scale
from benchmarks.catalogue import CATALOGUE
from tests.pages import DOCS


def test_the_list_names_each_benchmark_and_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CATALOGUE)


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["reqest"])
    assert "reqest" in capsys.readouterr().err


def test_all_are_run_unless_some_are_named() -> None:
    assert parsed([]).names == []
    assert parsed(["hooks", "guard"]).names == ["hooks", "guard"]


def test_a_smoke_run_is_tiny_and_numbers_can_be_given() -> None:
    assert scale_of(parsed([])) == Scale()
    assert scale_of(parsed(["--smoke"])) == SMOKE
    assert scale_of(parsed(["--rounds", "2", "--tenants", "1", "7"])).tenants == (1, 7)


def test_the_page_tells_of_each_benchmark() -> None:
    page = (DOCS / "explanation" / "benchmarks.md").read_text(encoding="utf-8")
    assert [name for name in CATALOGUE if f"`./run bench {name}`" not in page] == []
