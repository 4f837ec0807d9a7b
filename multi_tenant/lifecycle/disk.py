"""The migrations on disk and what their texts are, read again when a file changes; asked by fingerprints, templates."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from time import time_ns

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

Key = tuple[str, str]
#: A file's path, and what the system tells of it that no change of its text leaves as it was.
File = tuple[str, int, int, int, int]
Files = tuple[tuple[str, str | None, tuple[File, ...]], ...]

#: For so long after a change another one may leave a file's times as they are: clocks of file systems have steps.
SETTLED_NS = 2_000_000_000


class Disk:
    """What was read last, with what the system told of the files just before."""

    def __init__(self) -> None:
        self._read: tuple[Files, Mapping[Key, str]] | None = None

    def texts(self) -> Mapping[Key, str]:
        """A digest of each migration's text, by app and name; those that others replace are not among them.

        Nothing is read while no file has changed: a graph of all migrations takes as long as the rest of making a
        tenant together.
        """
        files = found()
        known = self._read  # once: threads may exchange it
        if files is not None and known is not None and known[0] == files:
            return known[1]
        loader = MigrationLoader(None)
        texts = {key: text_of(node.__module__) for key, node in loader.graph.nodes.items()}
        self._read = None if files is None or not settled(files) else (files, texts)
        return texts


def found() -> Files | None:
    """What the system tells of the files of each app's migrations; None where it does not tell, as in an archive."""
    try:
        return tuple(
            (config.label, package, tuple(sorted(files_of(package))))
            for config in apps.get_app_configs()
            for package in [MigrationLoader.migrations_module(config.label)[0]]
        )
    except OSError:
        return None


def files_of(package: str | None) -> Iterator[File]:
    """The files of a package, of which Django looks for migrations in no subdirectory."""
    for directory in path_of(package):
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.is_dir():
                    told = entry.stat()
                    yield entry.path, told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_ino


def path_of(package: str | None) -> list[str]:
    """The directories of a package; none where an app has no migrations, or a module in place of a package."""
    try:
        return list(getattr(import_module(package), "__path__", ())) if package else []
    except ModuleNotFoundError:  # whether it should be there is for the loader to say
        return []


def settled(files: Files) -> bool:
    """Whether the last change was long enough ago for the next one to show."""
    last = max((max(mtime, ctime) for _, _, each in files for _, mtime, ctime, _, _ in each), default=0)
    return time_ns() - last > SETTLED_NS


def text_of(module: str) -> str:
    """A digest of a migration's file: while a project is young, migrations are edited in place."""
    path = Path(sys.modules[module].__file__ or "")
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


disk = Disk()
