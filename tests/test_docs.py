"""The pages under docs/ tell the truth: their lists are compared with the code, their examples are run."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.test import override_settings

import multi_tenant
from multi_tenant import exceptions, resolvers, signals
from multi_tenant.checks.findings import FINDINGS
from multi_tenant.conf import NAMES, Conf
from multi_tenant.management import commands
from multi_tenant.management.command_line import CommandLine
from multi_tenant.models import AbstractTenant
from multi_tenant.registry import rules, store
from multi_tenant.routing import wrapper
from multi_tenant.testing import plugin
from multi_tenant.users.management import commands as people_commands
from tests.pages import DOCS, PAGES, ROOT, blocks_of

UNDERLINE = re.compile(r"\|[ :|-]+\|$")
#: Without them the modules that need them cannot be imported, and define no errors.
DRIVERS = {"psycopg", "rest_framework", "rest_framework_simplejwt", "drf_spectacular"}
#: Settings whose default is a path or must be given: the page describes it in words.
DESCRIBED = {"ARCHIVE_DIR", "ENCRYPTION_KEYS", "SQLITE_DIR"}


def commands_shown() -> list[str]:
    """Each command of Django's or of ours that stands in a console on a page; the tutorial's own are run elsewhere."""
    blocks = [block for page in PAGES for block in blocks_of(page)]
    defined = {Path(block.caption).stem for block in blocks if "management/commands" in block.caption}
    typed = {command for block in blocks if block.language == "console" for command, _ in block.exchanges}
    return sorted(command for command in typed if "manage.py" in command and command.split()[-1] not in defined)


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def rows(page: str) -> list[list[str]]:
    """The cells of each row of each table on a page, without headers and their underlines."""
    lines = text_of(page).splitlines()
    return [
        [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("|") and not UNDERLINE.match(line) and not UNDERLINE.match(following)
    ]


def names_in(page: str) -> list[str]:
    """What stands in code style in the first column of a page's tables."""
    return [name for cells in rows(page) if (name := cells[0].strip("*` ")) and "`" in cells[0]]


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def error_classes() -> dict[str, type[Exception]]:
    """Every error of the package, wherever it is defined."""
    for module in pkgutil.walk_packages(multi_tenant.__path__, "multi_tenant."):
        if module.name.endswith(".admin") and not module.ispkg:
            continue  # it defines no errors, and can be imported where the admin is installed alone
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            if missing.name not in DRIVERS:
                raise
    return {
        cls.__name__: cls for cls in family(exceptions.MultiTenantError) if cls.__module__.startswith("multi_tenant.")
    }


def family(cls: type[Exception]) -> Iterator[type[Exception]]:
    yield cls
    for child in cls.__subclasses__():
        yield from family(child)


def test_each_setting_is_described_once() -> None:
    outside = {"TENANT_MODEL", 'DATABASES["default"]'}
    names = names_in("reference/settings.md")
    assert sorted(names) == sorted(NAMES | outside)


@pytest.mark.parametrize("name", sorted(NAMES - DESCRIBED))
def test_the_default_of_a_setting_is_the_documented_one(name: str) -> None:
    documented = next(cells[1].strip("`") for cells in rows("reference/settings.md") if code_in(cells[0]) == [name])
    with override_settings(MULTI_TENANT={}):
        actual = getattr(Conf(), name)
    assert type(actual)(ast.literal_eval(documented)) == actual


def test_the_keys_of_an_entry_are_the_documented_ones() -> None:
    page = text_of("reference/settings.md")
    [sentence] = re.findall(r"Its keys are among ([^.]+)\.", page)
    assert set(code_in(sentence)) == rules.KEYS


def test_each_error_is_described_once() -> None:
    assert sorted(names_in("reference/errors.md")) == sorted(error_classes())


@pytest.mark.parametrize("cells", rows("reference/errors.md"), ids=lambda cells: cells[0])
def test_an_error_is_as_it_is_described(cells: list[str]) -> None:
    cls = error_classes()[cells[0].strip("*` ")]
    assert cells[0].startswith("**") == (getattr(multi_tenant, cls.__name__, None) is cls)
    parents = {base.__name__ for base in cls.__mro__}
    assert parents.issuperset(code_in(cells[3]))
    assert attributes_of(cls) == set(code_in(cells[2]))


def attributes_of(cls: type[Exception]) -> set[str]:
    """What the constructor takes beside the message."""
    constructor = cls.__init__
    if not inspect.isfunction(constructor):
        return set()
    return set(inspect.signature(constructor).parameters) - {"self", "message"}


def test_each_signal_is_described_once() -> None:
    assert sorted(names_in("reference/signals.md")) == sorted(
        name for name in vars(signals) if name.startswith(("tenant_", "member_"))
    )


def test_each_check_is_described_once() -> None:
    assert sorted(names_in("reference/checks.md")) == sorted(f"multi_tenant.{name}" for name in FINDINGS)


def test_each_resolver_is_described_with_its_options() -> None:
    documented = {code_in(cells[0])[0]: set(code_in(cells[1])) for cells in rows("reference/resolvers.md")}
    assert documented == {name: options_of(cls) for name, cls in vars(resolvers).items() if inspect.isclass(cls)}


def options_of(cls: type) -> set[str]:
    return set(inspect.signature(cls).parameters)


def command_names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules([*commands.__path__, *people_commands.__path__])]


def test_each_command_is_described_once() -> None:
    documented = re.findall(r"^## (\w+)$", text_of("reference/commands.md"), re.MULTILINE)
    assert sorted(documented) == sorted(command_names())


@pytest.mark.parametrize("name", command_names())
def test_the_options_of_a_command_are_the_documented_ones(name: str) -> None:
    section = re.split(r"^## ", text_of("reference/commands.md"), flags=re.MULTILINE)
    [described] = [part for part in section if part.startswith(f"{name}\n")]
    first_cells = re.findall(r"^\| (`--[^|]*) \|", described, re.MULTILINE)
    documented = [option for cell in first_cells for option in code_in(cell)]
    assert sorted(documented) == sorted(own_options(name))


def own_options(name: str) -> set[str]:
    """The options that a command has beyond those of any command of Django's."""
    of_people = {module.name for module in pkgutil.iter_modules(people_commands.__path__)}
    home = "multi_tenant.users" if name in of_people else "multi_tenant"
    parser = load_command_class(home, name).create_parser("manage.py", name)
    stock = BaseCommand().create_parser("manage.py", name)
    return {option for option in parser._option_string_actions if option not in stock._option_string_actions}


@pytest.mark.parametrize("command", commands_shown())
def test_a_command_that_is_shown_makes_sense(command: str) -> None:
    words = shlex.split(re.sub(r" < \S+$", "", command).partition("manage.py ")[2])
    CommandLine.of(words).check()
    if "--" in words:
        CommandLine.of(words[words.index("--") + 1 :]).check()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_that_is_shown_is_python(page: Path) -> None:
    for block in blocks_of(page):
        if block.language in ("python", "py"):
            ast.parse(block.text)


def test_each_field_of_a_tenant_is_described() -> None:
    documented = [name for cells in rows("reference/api.md") for name in code_in(cells[0])]
    assert sorted(documented) == sorted(field.name for field in AbstractTenant._meta.get_fields())


def test_each_fixture_is_described() -> None:
    source = inspect.getsource(plugin)
    of_tests = re.findall(r"^@pytest\.fixture\ndef (\w+)", source, re.MULTILINE)
    assert sorted(names_in("reference/testing.md")) == sorted(of_tests)


def test_each_logger_is_described() -> None:
    sources = Path(multi_tenant.__path__[0]).rglob("*.py")
    used = {name for source in sources for name in re.findall(r'getLogger\("([^"]+)"\)', source.read_text())}
    assert {name for name in names_in("howto/deploy.md") if name.startswith("multi_tenant")} == used


def test_each_reason_of_an_outage_is_explained() -> None:
    explained = {reason for cells in rows("howto/outages.md") for reason in cells[0].split(", ")}
    assert {reason for _, reason in wrapper.REASONS} <= explained


def test_the_sizes_of_the_caches_are_the_documented_ones() -> None:
    page = text_of("explanation/promises.md")
    for size in (store.MAX_TENANTS, store.MAX_HOSTS, store.MAX_UNKNOWN):
        assert f"{size:,}" in page


def test_the_front_door_is_described_whole() -> None:
    documented = set(re.findall(r"auto\w+:: multi_tenant\.(\w+)$", text_of("reference/api.md"), re.MULTILINE))
    assert documented | set(error_classes()) >= {name for name in vars(multi_tenant) if is_public(name)}


def is_public(name: str) -> bool:
    return not name.startswith("_") and not inspect.ismodule(getattr(multi_tenant, name)) and name != "annotations"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_whatever_a_page_names_is_there(page: Path) -> None:
    for name in set(re.findall(r"\bmulti_tenant(?:\.[a-zA-Z_]\w*)+", page.read_text(encoding="utf-8"))):
        assert is_there(name), f"{page.name} names {name}, which there is not."


def is_there(name: str) -> bool:
    """Whether a dotted name leads to a module, to something in one, to a model, or to a finding of the checks."""
    if name.removeprefix("multi_tenant.") in FINDINGS:
        return True
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        if name.startswith("multi_tenant.contrib.rest.") and not find_spec("rest_framework"):
            return True  # looked at where it is installed
        return name.lower().removeprefix("multi_tenant.") in apps.all_models["multi_tenant"]
    return True
