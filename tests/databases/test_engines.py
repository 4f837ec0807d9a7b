"""What each engine can do, the same tests for all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from multi_tenant import ProvisioningError
from multi_tenant.databases import base
from multi_tenant.databases.base import Engine, engine_of, register
from multi_tenant.exceptions import DatabaseExistsError
from multi_tenant.registry.entry import Entry
from tests.databases.conftest import PREFIX, run

with_templates = pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
ODD_NAMES = ['a"b', "a'b", "a;DROP TABLE x", "a b", "ünï", "%s", "A-B", "--"]


@pytest.fixture
def name(engine: Engine) -> str:
    return f"{PREFIX}one{engine.suffix}"


@pytest.fixture
def other(engine: Engine) -> str:
    return f"{PREFIX}other{engine.suffix}"


def fill(engine: Engine, name: str) -> None:
    engine.create(name)
    run(engine, name, "CREATE TABLE fruit (name varchar(20))")
    run(engine, name, "INSERT INTO fruit VALUES ('pear')")


def fruit(engine: Engine, name: str) -> list[Any]:
    return run(engine, name, "SELECT name FROM fruit")


def test_a_database_is_made_found_and_dropped(engine: Engine, name: str) -> None:
    assert not engine.exists(name)
    engine.create(name)
    assert engine.exists(name)
    engine.drop(name)
    assert not engine.exists(name)


def test_dropping_what_is_not_there_does_nothing(engine: Engine, name: str) -> None:
    engine.drop(name)
    assert not engine.exists(name)


@with_templates
def test_dropping_a_template_that_is_not_there_does_nothing(engine: Engine, name: str) -> None:
    assert engine.drop_template(name)


def test_odd_names_are_quoted(engine: Engine) -> None:
    names = [f"{PREFIX}{odd}{engine.suffix}" for odd in ODD_NAMES]
    for name in names:
        engine.create(name)
        assert engine.exists(name)
    assert set(engine.names(PREFIX)) == set(names)
    for name in names:
        engine.drop(name)
    assert engine.names(PREFIX) == []


def test_an_underscore_in_a_prefix_is_no_wildcard(engine: Engine, name: str) -> None:
    engine.create(name)
    assert engine.names(PREFIX.replace("_", "?")) == []
    assert engine.names(PREFIX[:-1] + "%") == []


def test_what_exists_is_not_made_again(engine: Engine, name: str) -> None:
    fill(engine, name)
    with pytest.raises(DatabaseExistsError):
        engine.create(name)
    assert fruit(engine, name) == [("pear",)]


@with_templates
def test_a_clone_has_all_and_is_its_own(engine: Engine, name: str, other: str) -> None:
    fill(engine, name)
    engine.clone(name, other)
    run(engine, other, "INSERT INTO fruit VALUES ('plum')")
    assert fruit(engine, other) == [("pear",), ("plum",)]
    assert fruit(engine, name) == [("pear",)]


@with_templates
def test_a_clone_does_not_replace_what_exists(engine: Engine, name: str, other: str) -> None:
    fill(engine, name)
    engine.create(other)
    with pytest.raises(DatabaseExistsError):
        engine.clone(name, other)
    assert set(engine.names(PREFIX)) == {name, other}


@with_templates
def test_a_published_draft_can_be_cloned(engine: Engine, name: str, other: str) -> None:
    fill(engine, name)
    engine.publish(name, other)
    assert not engine.exists(name)
    engine.clone(other, name)
    assert fruit(engine, name) == [("pear",)]


@with_templates
def test_a_draft_does_not_replace_a_template(engine: Engine, name: str, other: str) -> None:
    engine.create(name)
    engine.create(other)
    with pytest.raises(DatabaseExistsError):
        engine.publish(name, other)


def test_a_dump_is_restored(engine: Engine, name: str, other: str, tmp_path: Path) -> None:
    fill(engine, name)
    engine.check_dump()
    archive = tmp_path / "archive"
    archive.touch(mode=0o600)
    engine.dump(name, archive)
    engine.create(other)
    engine.restore(archive, other)
    assert fruit(engine, other) == [("pear",)]
    assert archive.stat().st_mode & 0o777 == 0o600


def test_a_dump_of_nothing_fails(engine: Engine, name: str, tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError):
        engine.dump(name, tmp_path / "archive")


def test_a_database_has_a_size(engine: Engine, name: str) -> None:
    fill(engine, name)
    assert engine.size(name) > 1000


def test_the_entry_for_a_name_leads_there(engine: Engine, name: str) -> None:
    assert engine.entry_for(name)["NAME"].endswith(name)


def test_a_physical_name_fits_and_is_the_tenants_own(engine: Engine, configure: Any) -> None:
    configure(DATABASE_PREFIX="tenant_")
    uuid = UUID("12345678-1234-1234-1234-123456789abc")
    assert engine.name_for("acme", uuid) == f"tenant_acme_12345678{engine.suffix}"
    assert len(engine.name_for("a" * 48, uuid)) <= engine.longest_name
    assert engine.name_for("a" * 48, uuid).endswith(f"_12345678{engine.suffix}")


def test_a_prefix_that_leaves_no_room_is_refused(engine: Engine, configure: Any) -> None:
    configure(DATABASE_PREFIX="x" * engine.longest_name)
    with pytest.raises(ProvisioningError, match="DATABASE_PREFIX"):
        engine.name_for("acme", UUID(int=1))


def test_a_lock_lets_one_in(engine: Engine) -> None:
    inside = threading.Event()
    order: list[str] = []
    second = engine_of(engine.entry, alias="bolt")

    def wait() -> None:
        inside.set()
        with second.lock("key"):
            order.append("second")

    thread = threading.Thread(target=wait)
    with engine.lock("key"):
        thread.start()
        inside.wait()
        thread.join(0.2)  # it would be through by then
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_locks_of_other_keys_are_free(engine: Engine) -> None:
    with engine.lock("one"), engine_of(engine.entry, alias="bolt").lock("other"):
        pass


def test_a_lock_is_free_after_an_error(engine: Engine) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), engine.lock("key"):
            raise ZeroDivisionError


def test_work_under_a_lock_uses_its_connection(engine: Engine, name: str) -> None:
    with engine.lock("outer"):
        with engine.lock("inner"):
            engine.create(name)
        assert engine.exists(name)


def test_an_unknown_vendor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "classes", {})
    with pytest.raises(ProvisioningError, match="register"):
        engine_of(Entry({"ENGINE": "django.db.backends.sqlite3"}), alias="acme")


def test_a_project_may_register_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "classes", dict(base.classes))
    register("sqlite", f"{__name__}.Recorded")
    assert engine_of(Entry({"ENGINE": "django.db.backends.sqlite3"}), alias="acme").alias == "recorded acme"


def recorded(entry: Entry, *, alias: str) -> Any:
    return type("Engine", (), {"alias": f"recorded {alias}"})()


Recorded = recorded
