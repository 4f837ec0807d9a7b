"""SQLite: each database is a file under SQLITE_DIR; copied by SQLite's own backup, so that no write is half in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from multi_tenant.conf import conf
from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import DatabaseExistsError, ProvisioningError
from multi_tenant.registry.entry import Entry, sqlite_path
from multi_tenant.registry.rules import COMPANIONS


class SQLite(Engine):
    """Databases that are files; the entry's own NAME says nothing here."""

    longest_name = 240
    has_templates = True
    suffix = ".sqlite3"
    archive_suffix = ".sqlite3"

    def entry_for(self, name: str) -> Entry:
        return Entry({**self.entry, "NAME": str(sqlite_path(name))})

    def names(self, prefix: str) -> Sequence[str]:
        if not conf.SQLITE_DIR.is_dir():
            return []
        found = (path.name for path in conf.SQLITE_DIR.iterdir())
        return sorted(name for name in found if name.startswith(prefix) and name.endswith(self.suffix))

    def exists(self, name: str) -> bool:
        return os.path.lexists(sqlite_path(name))

    def create(self, name: str, *, private: bool = False) -> None:
        try:
            os.close(open_file(sqlite_path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            raise DatabaseExistsError from None

    def clone(self, template: str, name: str, *, private: bool = False) -> None:
        # Beside its final place, under a name that a later attempt finds again and replaces.
        draft = sqlite_path(name).with_name(f".{sqlite_path(name).name}.draft")
        remove(draft)
        copy(sqlite_path(template), draft)
        self._rename(draft, sqlite_path(name))

    def publish(self, draft: str, name: str) -> None:
        self._rename(sqlite_path(draft), sqlite_path(name))

    def drop(self, name: str) -> None:
        remove(sqlite_path(name))

    def drop_template(self, name: str) -> bool:
        remove(sqlite_path(name))
        return True

    def check_dump(self) -> None:
        """Nothing is needed but Python."""

    def dump(self, name: str, path: Path) -> None:
        copy(sqlite_path(name), path)

    def restore(self, path: Path, name: str) -> None:
        copy(path, sqlite_path(name))

    def size(self, name: str) -> int:
        return sqlite_path(name).stat().st_size

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        path = sqlite_path(f".lock-{hashlib.sha256(key.encode()).hexdigest()[:32]}")
        file = locked_file(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is held: `locked_file` sees that it got a dead one
            os.close(file)

    def _rename(self, draft: Path, path: Path) -> None:
        """The callers hold a lock, so nothing comes in between."""
        if os.path.lexists(path):
            remove(draft)
            raise DatabaseExistsError
        draft.replace(path)


def open_file(path: Path, flags: int, mode: int) -> int:
    """Open a file below SQLITE_DIR, which is made for the deployment alone.

    Raises FileExistsError where ``flags`` ask for it, and ProvisioningError for what else the system refuses.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags, mode)
    except OSError as exc:
        if isinstance(exc, FileExistsError) and os.path.lexists(path):
            raise
        raise ProvisioningError(
            f'{path.name} cannot be made: {exc.strerror}. Look at the directory MULTI_TENANT["SQLITE_DIR"].',
            step="database",
        ) from exc


def copy(source: Path, target: Path) -> None:
    """Copy a database while others may write to it."""
    if not source.exists():  # SQLite's read-only mode would say no more than "unable to open"
        raise ProvisioningError(f"There is no file {source.name}. Restore it first.", step="database")
    origin = f"{source.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(origin, uri=True)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer)
    except sqlite3.Error as exc:
        raise ProvisioningError(
            f"{source.name} cannot be copied ({exc}). Look at the file, and at the room on the disk.",
            step="database",
        ) from exc


def remove(path: Path) -> None:
    """Remove a database's file and what SQLite keeps beside it."""
    for companion in ("", *COMPANIONS):
        path.with_name(path.name + companion).unlink(missing_ok=True)


def locked_file(path: Path) -> int:
    """A descriptor of the file at ``path``, locked; a file that its last holder removed meanwhile is not it."""
    while True:
        file = open_file(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:
            pass
        os.close(file)
