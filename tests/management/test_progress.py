from __future__ import annotations

import io

import pytest
from django.core.management.base import OutputWrapper

from multi_tenant.management.progress import CLEAR_LINE, ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(terminal: Terminal, *, total: int, shown: bool = True) -> list[str]:
    with ProgressBar(OutputWrapper(terminal), total=total, shown=shown) as bar:
        for step in range(total):
            bar.advance(f"step-{step}")
    return terminal.getvalue().split(CLEAR_LINE)


def test_each_step_draws_the_bar_over_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "28")
    assert drawn(Terminal(), total=4) == [
        "",
        "[###...........] 1/4 step-0",
        "[#######.......] 2/4 step-1",
        "[##########....] 3/4 step-2",
        "[##############] 4/4 step-3",
        "",
    ]


@pytest.mark.parametrize("columns", [2, 8, 20, 200])
def test_a_bar_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = drawn(Terminal(), total=3)
    assert len(lines) == 5
    assert max(map(len, lines)) < columns


def test_nothing_is_drawn_where_it_is_not_wanted_or_no_terminal() -> None:
    assert drawn(Terminal(), total=3, shown=False) == [""]
    assert drawn(Terminal(), total=1) == [""]
    stream = io.StringIO()
    bar = ProgressBar(OutputWrapper(stream), total=3)
    bar.advance()
    assert stream.getvalue() == ""
