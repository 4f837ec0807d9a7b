"""Says whether a wheel holds the package, whole, and nothing else; `.ci/run` calls it on what it tests."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

PACKAGE = "multi_tenant"


def main(wheel: Path) -> int:
    """Compare the wheel with the checkout; give the exit status."""
    found = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {
        path.as_posix()
        for path in Path(PACKAGE).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".pyo") and not path.name.startswith(".")
    }
    for name in sorted(found - wanted):
        print(f"{wheel.name} holds {name}, which is no part of {PACKAGE}.")
    for name in sorted(wanted - found):
        print(f"{wheel.name} lacks {name}.")
    print(f"{wheel.name}: {len(found)} files of {PACKAGE}")
    return int(found != wanted or f"{PACKAGE}/py.typed" not in found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
