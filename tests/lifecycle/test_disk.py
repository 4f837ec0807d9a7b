"""The migrations on disk are read once, and again when a file of theirs is another one."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from multi_tenant.lifecycle import disk as module
from multi_tenant.lifecycle.disk import Disk
from tests.promises.control import Without, guarded_by

TEXT = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    dependencies = {}\n"
FIRST, SECOND = TEXT.format("[]"), TEXT.format("[('library', '0001_first')]")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The directory of an app's migrations, of which there is one."""
    name = f"migrations_{tmp_path.name}_{os.getpid()}"
    directory = tmp_path / name
    directory.mkdir()
    (directory / "__init__.py").touch()
    (directory / "0001_first.py").write_text(FIRST)
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(MIGRATION_MODULES={"library": name}):
        yield directory


@pytest.fixture
def disk(package: Path, monkeypatch: pytest.MonkeyPatch, loads: list[int]) -> Disk:
    """One that takes what was written just now for settled, and has read all."""
    monkeypatch.setattr(module, "SETTLED_NS", -(10**12))
    disk = Disk()
    disk.texts()
    return disk


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows each time that the migrations are loaded."""
    seen: list[int] = []

    class Counted(MigrationLoader):
        def __init__(self, *args: Any) -> None:
            seen.append(1)
            super().__init__(*args)

    monkeypatch.setattr(module, "MigrationLoader", Counted)
    return seen


def test_what_has_not_changed_is_not_read_again(disk: Disk, loads: list[int]) -> None:
    assert disk.texts() == disk.texts() == Disk().texts()
    assert len(loads) == 2  # one for each Disk


def edit(package: Path) -> None:
    (package / "0001_first.py").write_text(FIRST + "    atomic = False\n")


def edit_and_hide(package: Path) -> None:
    """As long as before, and as old."""
    path = package / "0001_first.py"
    before = path.stat()
    path.write_text(FIRST.replace("[]", "()"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchange(package: Path) -> None:
    """As a deployment or an editor does, which write beside it and rename."""
    draft = package / "draft"
    draft.write_text(FIRST.replace("[]", "()"))
    draft.replace(package / "0001_first.py")


def add(package: Path) -> None:
    (package / "0002_second.py").write_text(SECOND)
    invalidate_caches()  # Python's own, which go by the directory's time


def remove(package: Path) -> None:
    (package / "0001_first.py").unlink()


def blind() -> Any:
    """As if the system told of no file."""
    return ()


@guarded_by(Without(module, "found", blind))
@pytest.mark.parametrize("change", [edit, edit_and_hide, exchange, add, remove])
def test_a_change_on_disk_is_noticed(change: Callable[[Path], None], disk: Disk, package: Path) -> None:
    disk._read = None  # the control is blind from here on
    before = disk.texts()
    change(package)
    after = disk.texts()
    assert after != before
    assert after == Disk().texts()


@guarded_by(Without(module, "settled", lambda files: True))
def test_what_changed_just_now_may_change_again_within_one_step_of_the_clock(
    package: Path, loads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    before = disk.texts()
    found = module.found()
    with monkeypatch.context() as patch:
        patch.setattr(module, "found", lambda: found)  # the file's times have not moved on
        edit(package)
        assert disk.texts() != before


def test_another_package_of_migrations_is_noticed(disk: Disk, package: Path) -> None:
    before = disk.texts()
    with override_settings(MIGRATION_MODULES={}):
        assert disk.texts() != before
    assert disk.texts() == before


def test_where_the_system_tells_nothing_all_is_read_each_time(
    disk: Disk, loads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(directory: str) -> Any:
        raise NotADirectoryError(directory)  # as of an archive

    before = len(loads)
    monkeypatch.setattr(os, "scandir", refuse)
    assert disk.texts() == disk.texts()
    assert len(loads) == before + 2


def test_an_app_without_migrations_has_none(disk: Disk) -> None:
    with override_settings(MIGRATION_MODULES={"library": None}):
        assert "library" not in {app for app, _ in disk.texts()}
