"""Standard input for several commands in turn: whichever came first would take it all; used by `tenant_command`."""

from __future__ import annotations

import array
import fcntl
import io
import os
import shutil
import stat
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import IO, TextIO

from django.core.management.base import CommandError

REFUSAL = (
    "Standard input is not given to several tenants. Say --stdin to give each of them a copy of it, or "
    "redirect it from /dev/null."
)


class RefusedInput(io.TextIOBase):
    """A standard input that says why there is nothing to read."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def fileno(self) -> int:
        return self.descriptor

    def read(self, size: int | None = -1) -> str:
        raise CommandError(REFUSAL)

    def readline(self, size: int = -1) -> str:  # type: ignore[override]  # the stubs count a positional-only name
        raise CommandError(REFUSAL)


class SharedInput(AbstractContextManager["SharedInput"]):
    """What several commands, run one after another, find on standard input.

    On a terminal each asks for itself. Elsewhere each gets a copy of the whole if that is ``copied``, and is refused if
    not; CommandError where input is waiting that nobody would get. A stream without a descriptor is left alone.
    """

    def __init__(self, *, copied: bool) -> None:
        self.copied = copied
        self._stack = ExitStack()
        self._copy: IO[bytes] | None = None
        self._descriptor: int | None = None

    def __enter__(self) -> SharedInput:
        self._descriptor = descriptor_of(sys.stdin)
        if self._descriptor is None or os.isatty(self._descriptor):
            self._descriptor = None
        elif self.copied:
            self._copy = self._stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(sys.stdin.buffer, self._copy)
        elif waiting(self._descriptor):
            raise CommandError(REFUSAL)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One command's turn."""
        if self._descriptor is None:
            yield
        elif self._copy is None:
            with open(os.devnull, "wb") as unreadable, in_place(unreadable, self._descriptor):  # noqa: PTH123
                sys.stdin = RefusedInput(self._descriptor)
                yield
        else:
            self._copy.seek(0)
            with in_place(self._copy, self._descriptor):
                sys.stdin = open(self._descriptor, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115
                yield


@contextmanager
def in_place(file: IO[bytes], descriptor: int) -> Iterator[None]:
    """Put a file under the descriptor, for the programs that a command starts, and take it back with ``sys.stdin``."""
    stream, kept = sys.stdin, os.dup(descriptor)
    try:
        os.dup2(file.fileno(), descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        sys.stdin = stream


def descriptor_of(stream: TextIO | None) -> int | None:
    """The descriptor of a stream; None for one in memory, or none at all."""
    try:
        return stream.fileno() if stream is not None else None
    except (AttributeError, OSError):
        return None


def waiting(descriptor: int) -> bool:
    """Whether something can be read now: the rest of a file, or what a pipe holds."""
    kind = os.fstat(descriptor)
    if stat.S_ISREG(kind.st_mode):
        return os.lseek(descriptor, 0, os.SEEK_CUR) < kind.st_size
    if not stat.S_ISFIFO(kind.st_mode) and not stat.S_ISSOCK(kind.st_mode):
        return False
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0] > 0
