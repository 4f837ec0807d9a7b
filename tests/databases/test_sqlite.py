from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from multi_tenant import ProvisioningError
from multi_tenant.conf import conf
from multi_tenant.databases.base import Engine
from multi_tenant.registry.rules import COMPANIONS
from tests.databases.conftest import run


def test_the_directory_is_made_for_the_deployment_alone(sqlite: Engine) -> None:
    sqlite.create("acme.sqlite3")
    assert conf.SQLITE_DIR.stat().st_mode & 0o777 == 0o700


def test_without_the_directory_there_are_no_names(sqlite: Engine) -> None:
    assert sqlite.names("") == []


def test_dropping_takes_the_companions_along(sqlite: Engine) -> None:
    sqlite.create("acme.sqlite3")
    for companion in COMPANIONS:
        (conf.SQLITE_DIR / f"acme.sqlite3{companion}").touch()
    sqlite.drop("acme.sqlite3")
    assert list(conf.SQLITE_DIR.iterdir()) == []


def test_a_dangling_link_counts_as_existing(sqlite: Engine) -> None:
    sqlite.create("acme.sqlite3")
    (conf.SQLITE_DIR / "link.sqlite3").symlink_to(conf.SQLITE_DIR / "nowhere")
    assert sqlite.exists("link.sqlite3")


def test_a_killed_clone_is_replaced(sqlite: Engine) -> None:
    sqlite.create("one.sqlite3")
    run(sqlite, "one.sqlite3", "CREATE TABLE fruit (name text)")
    (conf.SQLITE_DIR / ".two.sqlite3.draft").write_bytes(b"half a copy")
    sqlite.clone("one.sqlite3", "two.sqlite3")
    assert sorted(path.name for path in conf.SQLITE_DIR.iterdir()) == ["one.sqlite3", "two.sqlite3"]


def test_a_database_in_wal_mode_is_copied_whole(sqlite: Engine) -> None:
    sqlite.create("one.sqlite3")
    run(sqlite, "one.sqlite3", "PRAGMA journal_mode = wal")
    run(sqlite, "one.sqlite3", "CREATE TABLE fruit (name text)")
    sqlite.clone("one.sqlite3", "two.sqlite3")
    assert run(sqlite, "two.sqlite3", "SELECT count(*) FROM fruit") == [(0,)]


def test_a_file_that_is_no_database_is_not_dumped(sqlite: Engine, tmp_path: Path) -> None:
    sqlite.create("one.sqlite3")
    (conf.SQLITE_DIR / "one.sqlite3").write_text("no database, but long enough to be read as one " * 100)
    with pytest.raises(ProvisioningError, match="cannot be copied"):
        sqlite.dump("one.sqlite3", tmp_path / "archive")


def test_a_file_that_cannot_be_made_is_refused(sqlite: Engine, configure: Any) -> None:
    sqlite.create("one.sqlite3")
    configure(SQLITE_DIR=conf.SQLITE_DIR / "one.sqlite3")
    with pytest.raises(ProvisioningError, match="SQLITE_DIR"):
        sqlite.create("two.sqlite3")
    with pytest.raises(ProvisioningError, match="SQLITE_DIR"), sqlite.lock("key"):
        pass


def test_a_lock_leaves_no_file(sqlite: Engine) -> None:
    with sqlite.lock("../any key"):
        [path] = conf.SQLITE_DIR.iterdir()
        assert path.name.startswith(".lock-")
    assert list(conf.SQLITE_DIR.iterdir()) == []
