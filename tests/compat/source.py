"""The source distribution of the installed Django, which holds its tests; used by the compat command."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import django


class SourceError(RuntimeError):
    """Django's source distribution cannot be had."""


def installed_version() -> str:
    """Return the version of the installed Django, as its source distribution is named."""
    return django.get_version()


def default_cache() -> Path:
    """Return where downloads and results are kept: the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "django-multi-tenant" / "compat"


def directory_of_tests(version: str, *, cache: Path) -> Path:
    """Return Django's own `tests` directory for this version, downloaded once into the cache."""
    unpacked = cache / f"django-{version}"
    tests = unpacked / "tests"
    if not (tests / "runtests.py").exists():
        _unpack(_archive(version, cache=cache), into=cache)
    if not (tests / "runtests.py").exists():
        raise SourceError(f"Django {version} came without its tests. Empty {cache} and try again.")
    return tests


def _archive(version: str, *, cache: Path) -> Path:
    archive = cache / f"django-{version}.tar.gz"
    if not archive.exists():
        _download(version, into=cache)
    if not archive.exists():
        raise SourceError(f"pip brought no {archive.name}. Put that file into {cache} and try again.")
    return archive


def _download(version: str, *, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "django"]
    result = subprocess.run(
        [*command, "--dest", str(into), f"django=={version}"], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise SourceError(f"pip could not download Django {version}: {result.stderr.strip()[-2000:]}")


def _unpack(archive: Path, *, into: Path) -> None:
    # The "data" filter refuses members that would land outside of the cache.
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
    except tarfile.TarError as error:
        raise SourceError(f"{archive} cannot be unpacked ({error}). Remove it and try again.") from error
