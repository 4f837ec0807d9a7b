"""A progress bar for commands that take their time, drawn on a terminal and nowhere else."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager

from django.core.management.base import OutputWrapper

FULL, EMPTY = "#", "."
CLEAR_LINE = "\r\x1b[K"
LONGEST_BAR = 40


class ProgressBar(AbstractContextManager["ProgressBar"]):
    """Counts steps and draws them on a command's stream; where that is no terminal it draws nothing."""

    def __init__(self, stream: OutputWrapper, *, total: int, shown: bool = True) -> None:
        self.stream = stream
        self.total = total
        self.done = 0
        self.shown = shown and total > 1 and stream.isatty()

    def __exit__(self, *exc: object) -> None:
        self.clear()

    def advance(self, note: str = "") -> None:
        """One step is done; ``note`` says which."""
        self.done += 1
        self.draw(note)

    def draw(self, note: str = "") -> None:
        """Draw the bar as it is, over what it was."""
        if self.shown:
            self._write(CLEAR_LINE + self.line(note, width=shutil.get_terminal_size().columns - 1))

    def clear(self) -> None:
        """Take the bar off the terminal, so that a line can be written."""
        if self.shown:
            self._write(CLEAR_LINE)

    def line(self, note: str, *, width: int) -> str:
        """The bar in at most ``width`` columns."""
        count = f"{self.done}/{self.total}"
        length = max(0, min(LONGEST_BAR, width - len(count) - len(note) - 4))
        filled = length * self.done // self.total
        return f"[{FULL * filled}{EMPTY * (length - filled)}] {count} {note}"[:width].rstrip()

    def _write(self, text: str) -> None:
        self.stream.write(text, style_func=str, ending="")
        self.stream.flush()
