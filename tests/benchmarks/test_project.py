"""The project that is measured is what the method says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers import plain
from benchmarks.project import ledgers
from benchmarks.project.configuration import Configuration
from benchmarks.runs import provision
from benchmarks.workers import environment_of


def django(*arguments: str, directory: Path) -> str:
    """What a command of Django's prints, with the settings of plain Django and all apps."""
    configuration = Configuration(url="", database=":memory:", ledgers=str(directory))
    command = [sys.executable, "-m", "django", *arguments]
    environment = environment_of(plain, configuration)
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    ledgers.write(tmp_path)
    return tmp_path


def test_there_are_as_many_migrations_as_the_method_tells(directory: Path) -> None:
    found = re.search(r"(\d+) migrations in (\d+) apps", " ".join(provision.METHOD))
    assert found
    migrations = django("showmigrations", "--plan", directory=directory).split("[ ]")[1:]
    apps = {migration.strip().partition(".")[0] for migration in migrations}
    assert (str(len(migrations)), str(len(apps))) == found.groups()
    assert len(migrations) > 60


def test_the_migrations_make_what_the_models_say(directory: Path) -> None:
    assert "No changes" in django("makemigrations", "--check", "--dry-run", directory=directory)


def test_nothing_of_the_caller_s_settings_reaches_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "another.project")
    monkeypatch.setenv("PGUSER", "somebody")
    environment = environment_of(plain, Configuration(url="", database=":memory:"))
    assert environment["DJANGO_SETTINGS_MODULE"] == plain.settings
    assert "PGUSER" not in environment
    assert os.environ["PGUSER"] == "somebody"


def test_a_configuration_survives_the_way_to_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Configuration(url="postgresql://u:p%40s@h:1/d", database="x", conn_max_age=None, databases=("a", "b"))
    for name, value in given.to_environment().items():
        monkeypatch.setenv(name, value)
    assert Configuration.from_environment() == given
    assert given.entry("a")["PASSWORD"] == "p@s"
