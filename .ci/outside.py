"""Copies all of a checkout but the package, so that tests run there can only mean the installed wheel.

tox calls it in each environment: `outside.py DIRECTORY`, with the environment's Python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "multi_tenant"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*_cache", "_build", "var")
NOT_COPIED = {PACKAGE, ".git", ".tox", ".venv", "build", "dist"}


def main(target: Path) -> int:
    """Copy to the target, and see which package is imported there; give the exit status."""
    for path in ROOT.iterdir():
        if path.name in NOT_COPIED or path.name.endswith("_cache"):
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, ignore=LEFT_OUT, dirs_exist_ok=True)
        else:
            shutil.copy2(path, target)
    command = [sys.executable, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"]
    answer = subprocess.run(command, cwd=target, check=True, capture_output=True, text=True)
    installed = Path(answer.stdout.strip())
    print(f"testing {installed.parent}")
    return int(not installed.is_relative_to(sys.prefix))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
