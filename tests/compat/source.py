"""Source distributions, which hold the tests that installed packages lack; used by the compat command."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path


class SourceError(RuntimeError):
    """A source distribution cannot be had, or does not hold what is looked for."""


def default_cache() -> Path:
    """Return where downloads and results are kept: the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "django-multi-tenant" / "compat"


def unpacked(distribution: str, version: str, *, holds: str, cache: Path) -> Path:
    """Return a source distribution's directory, downloaded once into the cache; `holds` is a path in it."""
    name = f"{distribution.replace('-', '_')}-{version}"
    if not (cache / name / holds).exists():
        _unpack(_archive(distribution, version, cache / f"{name}.tar.gz"), into=cache)
    if not (cache / name / holds).exists():
        raise SourceError(f"{distribution} {version} came without its tests. Empty {cache} and try again.")
    return cache / name


def _archive(distribution: str, version: str, archive: Path) -> Path:
    if not archive.exists():
        _download(distribution, version, into=archive.parent)
    if not archive.exists():
        raise SourceError(f"pip brought no {archive.name}. Put that file into {archive.parent} and try again.")
    return archive


def _download(distribution: str, version: str, *, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", distribution]
    result = subprocess.run(
        [*command, "--dest", str(into), f"{distribution}=={version}"], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise SourceError(f"pip could not download {distribution} {version}: {result.stderr.strip()[-2000:]}")


def _unpack(archive: Path, *, into: Path) -> None:
    # The "data" filter refuses members that would land outside of the cache.
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
    except tarfile.TarError as error:
        raise SourceError(f"{archive} cannot be unpacked ({error}). Remove it and try again.") from error
