"""What is run inside a tenant: Django's own tests, and those of packages from PyPI; used by the compat command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import django

from tests.compat.source import SourceError, unpacked

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGES: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("projects.toml").read_text())
DJANGO = "django"

# runtests.py is a script; loaded under another name it does nothing but define its functions. Spatial suites
# are named too, so that the report can say why they do not start.
ENUMERATE = """
import json, runpy
print(json.dumps(sorted(runpy.run_path("runtests.py", run_name="runtests")["get_test_modules"](True))))
"""


class Project(Protocol):
    """What has tests: where they are run, and how."""

    @property
    def title(self) -> str:
        """The name and the version, for people and for names of files."""

    @property
    def directory(self) -> Path:
        """The directory in which the tests are run."""

    def suites(self) -> list[str]:
        """The names of all suites."""

    def command(self, suite: str, settings: str) -> list[str]:
        """What runs a suite with a settings module."""

    def environment(self) -> dict[str, str]:
        """What the command needs in its environment."""


@dataclass(frozen=True)
class Django:
    """The installed Django, whose suites are those that its `runtests.py` knows."""

    directory: Path

    @classmethod
    def fetched(cls, *, cache: Path) -> Django:
        """Return Django with its tests from the cache, or from PyPI."""
        return cls(unpacked(DJANGO, django.get_version(), holds="tests/runtests.py", cache=cache) / "tests")

    @property
    def title(self) -> str:
        return f"{DJANGO}{django.get_version()}"

    def suites(self) -> list[str]:
        command = [sys.executable, "-c", ENUMERATE]
        environment = {**os.environ, **self.environment()}
        result = subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, check=True
        )
        names: list[str] = json.loads(result.stdout)
        return [name for name in names if name != "gis_tests"]

    def command(self, suite: str, settings: str) -> list[str]:
        options = ["--parallel=1", "--noinput", "--verbosity=1"]
        return [sys.executable, "runtests.py", f"--settings={settings}", *options, suite]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(PROJECT), "COMPAT_SETTINGS": "test_sqlite"}


@dataclass(frozen=True)
class Package:
    """A package whose tests Django's runner finds by their labels; they are one suite, with the package's name."""

    name: str
    source: Path
    about: Mapping[str, Any]

    @classmethod
    def fetched(cls, name: str, *, cache: Path) -> Package:
        """Return a package of projects.toml from the cache, or from PyPI."""
        about = PACKAGES[name]
        holds = about.get("directory", about["labels"][0].replace(".", "/"))
        source = unpacked(about["distribution"], about["version"], holds=holds, cache=cache)
        _show_metadata(source)
        return cls(name, source, about)

    @property
    def title(self) -> str:
        return f"{self.name}{self.about['version']}-{DJANGO}{django.get_version()}"

    @property
    def directory(self) -> Path:
        return self.source / str(self.about.get("directory", ""))

    def suites(self) -> list[str]:
        return [self.name]

    def command(self, suite: str, settings: str) -> list[str]:
        # -P: the directory of the tests comes behind ours, see manage.py.
        manage = [sys.executable, "-P", "-m", "tests.compat.manage", "test"]
        return [*manage, f"--settings={settings}", "--noinput", "--verbosity=1", *self.about["labels"]]

    def environment(self) -> dict[str, str]:
        # The package is not installed, so that the tests are those of the code beside them.
        paths = [PROJECT, self.directory, self.source]
        return {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "COMPAT_SETTINGS": self.about["settings"],
            "COMPAT_PYTEST": "yes" if self.about.get("pytest") else "",
            "COMPAT_ROOMS": json.dumps(self.about.get("rooms", [])),
        }


def _show_metadata(source: Path) -> None:
    """Put a source distribution's metadata where `importlib.metadata` looks: packages ask for their own version."""
    shown = source / f"{source.name}.dist-info"
    shown.mkdir(exist_ok=True)
    shutil.copy(source / "PKG-INFO", shown / "METADATA")


def fetched(name: str, *, cache: Path) -> Project:
    """Return Django or a package of projects.toml, with its tests."""
    return Django.fetched(cache=cache) if name == DJANGO else Package.fetched(name, cache=cache)


def chosen(project: Project, wanted: list[str]) -> list[str]:
    """Return the suites of these names, all where none is named."""
    known = project.suites()
    if unknown := sorted(set(wanted) - set(known)):
        raise SourceError(f"{project.title} has no suite called {', '.join(unknown)}.")
    return wanted or known
