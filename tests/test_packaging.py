"""What pyproject.toml, tox.ini and `run` declare about each other is true."""

from __future__ import annotations

import configparser
import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
# Rooms and engines that an extra is for, and the plugin, which is for who has pytest.
BEYOND = (
    "multi_tenant.contrib.",
    "multi_tenant.users.admin",  # registers people with a site, where the admin is installed
    "multi_tenant.databases.mysql",
    "multi_tenant.databases.postgresql",
    "multi_tenant.databases.roles",
    "multi_tenant.testing",
)
OPTIONAL_PACKAGES = ("celery", "channels", "MySQLdb", "psycopg", "psycopg_pool", "redis", "rest_framework")
IMPORT_EVERYTHING = f"""
import importlib, pkgutil, sys, warnings
sys.modules.update(dict.fromkeys({OPTIONAL_PACKAGES}))
import django
django.setup()
import multi_tenant
names = [module.name for module in pkgutil.walk_packages(multi_tenant.__path__, "multi_tenant.")]
for name in names:
    if not name.startswith({BEYOND}):
        importlib.import_module(name)
print(len(names))
"""


@pytest.fixture
def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture
def pairs() -> set[tuple[str, str]]:
    """The (Python, Django) pairs of tox.ini."""
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    names = itertools.chain.from_iterable(map(expand, tox["tox"]["env_list"].split()))
    return {found.groups() for name in names if (found := re.fullmatch(r"py3(\d+)-django(\d\d)", name))}  # type: ignore[misc]


def expand(pattern: str) -> list[str]:
    """All names that braces in tox's notation stand for."""
    parts = [part.strip("{}").split(",") for part in re.split(r"(\{[^}]*\})", pattern)]
    return ["".join(choice) for choice in itertools.product(*parts)]


def declared(project: dict[str, Any], prefix: str) -> set[str]:
    """The versions that the classifiers with this prefix declare."""
    found = (re.fullmatch(rf"{prefix} :: (\d+\.\d+)", line) for line in project["classifiers"])
    return {match[1] for match in found if match}


def test_each_declared_django_is_tested_and_each_tested_one_declared(
    project: dict[str, Any], pairs: set[tuple[str, str]]
) -> None:
    assert declared(project, "Framework :: Django") == {f"{django[0]}.{django[1]}" for _, django in pairs}


def test_each_declared_python_is_tested_and_each_tested_one_declared(
    project: dict[str, Any], pairs: set[tuple[str, str]]
) -> None:
    assert declared(project, "Programming Language :: Python") == {f"3.{minor}" for minor, _ in pairs}


def test_only_django_and_cryptography_are_needed(project: dict[str, Any]) -> None:
    assert {Requirement(line).name for line in project["dependencies"]} == {"Django", "cryptography"}


def test_the_extra_named_all_holds_every_extra(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == extras.keys() - {"all"}


def test_the_package_imports_without_any_extra() -> None:
    command = [sys.executable, "-W", "error", "-c", IMPORT_EVERYTHING]
    # A public database on PostgreSQL would ask for its driver.
    variables = os.environ | {"MULTI_TENANT_TEST_PUBLIC": "sqlite"}
    done = subprocess.run(command, cwd=ROOT, env=variables, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_run_tells_what_it_can_do() -> None:
    done = subprocess.run([ROOT / "run", "help"], check=True, capture_output=True, text=True, cwd="/")
    assert "./run COMMAND" in done.stdout


def test_run_refuses_an_unknown_command() -> None:
    done = subprocess.run([ROOT / "run", "tset"], check=False, capture_output=True, text=True, cwd="/")
    assert done.returncode == 2
    assert "no command 'tset'" in done.stderr


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house that keeps the import contracts of this one."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for name in ("__init__", "exceptions", "context", "contrib/__init__", "contrib/cache", "contrib/rest"):
        path = tmp_path / "multi_tenant" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tmp_path / "multi_tenant/contrib/rest.py").write_text("import multi_tenant.context, rest_framework")
    return tmp_path


def contracts(house: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command as main; main()"
    command = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(command, cwd=house, check=False, capture_output=True, text=True)


def test_a_house_in_order_keeps_the_contracts(house: Path) -> None:
    done = contracts(house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("exceptions", "multi_tenant.context", "Imports point down the house"),
        ("context", "multi_tenant.contrib.cache", "Imports point down the house"),
        ("undeclared", "multi_tenant.exceptions", "Imports point down the house"),
        ("contrib/cache", "rest_framework", "Each optional package is imported in its own room only"),
        ("contrib/cache", "celery", "Each optional package is imported in its own room only"),
        ("contrib/cache", "multi_tenant.contrib.rest", "No room under contrib imports another"),
    ],
)
def test_an_import_that_points_up_breaks_a_contract(house: Path, module: str, imported: str, contract: str) -> None:
    (house / "multi_tenant" / f"{module}.py").write_text(f"import {imported}")
    done = contracts(house)
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout
