"""The page of reference names what the room has, and what it changes."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

from multi_tenant.contrib.rest import jwt_patches, patches
from tests.pages import DOCS

ROOM = "multi_tenant.contrib.rest"
MODULES = ("authentication", "jwt", "permissions", "throttling", "views")
#: Functions that are named beside the classes.
FUNCTIONS = {("issue_token", "tokens"), ("read_token", "reader")}


def page() -> str:
    return (DOCS / "reference" / "rest.md").read_text(encoding="utf-8")


def test_each_class_is_described() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page(), re.MULTILINE))
    classes = {
        (name, module)
        for module in MODULES
        for name, found in vars(import_module(f"{ROOM}.{module}")).items()
        if inspect.isclass(found) and found.__module__ == f"{ROOM}.{module}"
    }
    assert documented == classes | FUNCTIONS
    assert all(hasattr(import_module(f"{ROOM}.{module}"), name) for name, module in documented)


def test_each_change_is_described() -> None:
    changed = page().partition("## What is changed")[2]
    for _, name, _ in (*patches.PATCHES, *jwt_patches.chosen()):
        assert re.search(rf"`(\w+\.)?{name}`", changed), name
