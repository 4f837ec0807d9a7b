"""The pages of the documentation as data: their code blocks, and a reader who follows them step by step."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
BLOCK = re.compile(r"^( *)```(.+)\n((?:.*\n)*?)\1```$", re.MULTILINE)
CAPTION = re.compile(r"\A:caption: (.+)\n\n?")
#: What the reader did before: an environment with the package is what the tests run in.
DONE_BEFORE = ("python -m venv", ". venv/bin/activate", "pip install")

#: What does not come to an end by itself.
GOES_ON = ("python manage.py runserver",)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it belongs into if it says so, and its text."""

    language: str
    caption: str
    text: str

    @property
    def exchanges(self) -> list[tuple[str, list[str]]]:
        """What is typed in a console, each line behind a ``$``, and what is printed below it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif line:
                found[-1][1].append(line)
        return found


def blocks_of(page: Path) -> Iterator[Block]:
    """The code blocks of a page, in order."""
    for indent, info, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        text = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
        caption = CAPTION.match(text)
        language = info.removeprefix("{code-block}").strip()
        yield Block(language, caption[1] if caption else "", text[caption.end() :] if caption else text)


class Reader:
    """Somebody who does in a directory what a page says."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs = directory / ".programs"
        self.programs.mkdir()
        python = self.programs / "python"  # not a link, which would lead out of the virtual environment
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """That of a new terminal, in which `python` is the tests' own."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "PYTEST_"))}
        return {**inherited, "PATH": f"{self.programs}{os.pathsep}{inherited['PATH']}"}

    def write(self, block: Block) -> None:
        """Put a block into the file that its caption names, at its end if the caption says so."""
        name, _, where = block.caption.partition(" (")
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if where else "w", encoding="utf-8") as file:
            file.write("\n" + block.text if where else block.text)

    def read(self, page: Path) -> Iterator[str]:
        """Do what a page says, and answer each command that was typed. One of ``GOES_ON`` is left to the caller."""
        for block in blocks_of(page):
            if block.caption:
                self.write(block)
            elif block.language == "console":
                for command, printed in block.exchanges:
                    if not command.startswith((*DONE_BEFORE, *GOES_ON)):
                        expect(printed, self.type(command))
                    yield command

    def type(self, command: str) -> str:
        """Type a command, and answer what it prints. Raises AssertionError, with all that it said, if it fails."""
        done = subprocess.run(
            command,
            check=False,
            shell=True,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a command that goes on; the caller ends it."""
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def expect(lines: list[str], output: str) -> None:
    """Raise AssertionError unless a command printed these lines one after another; ``...`` stands for anything."""
    wanted = r"\n".join(re.escape(line).replace(re.escape("..."), ".*") for line in lines)
    assert re.search(f"^{wanted}$", output, re.MULTILINE) or not lines, f"This is not what the page says:\n{output}"
