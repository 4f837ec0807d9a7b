"""Settings of the plain run: those that the tested project brings, the run's databases, and the recording runner."""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import Any

DIRECTORY = os.environ["COMPAT_DIR"]


def settings_of(place: str) -> dict[str, Any]:
    """The settings that a module has as its names, or that a function in it (``module:function``) returns."""
    module, _, function = place.partition(":")
    found = import_module(module)
    values: dict[str, Any] = getattr(found, function)() if function else vars(found)
    return {name: value for name, value in values.items() if name.isupper()}


def entry_of(alias: str, stock: dict[str, Any]) -> dict[str, Any]:
    """The project's alias, on the databases of this run."""
    entry: dict[str, Any] = json.loads(os.environ["COMPAT_ENTRY"].replace("{alias}", alias))
    return {**entry, "ATOMIC_REQUESTS": stock.get("ATOMIC_REQUESTS", False)}


globals().update(settings_of(os.environ["COMPAT_SETTINGS"]))

DATABASES = {alias: entry_of(alias, stock) for alias, stock in globals()["DATABASES"].items()}
TEST_RUNNER = "tests.compat.runner.RecordingRunner"
