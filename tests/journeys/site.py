"""The sample site as its operators have it: commands and scripts, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REGISTRY_TTL = 1.0
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Site:
    """One deployment of the sample site: a directory for its files, and the environment of its processes."""

    directory: Path
    environment: Mapping[str, str]

    def manage(self, *arguments: str, given: str = "", **variables: str) -> str:
        """Run ``manage.py`` with a text on standard input; what it prints. It must succeed."""
        return self.python("sample_site/manage.py", *arguments, given=given, **variables)

    def script(self, text: str) -> str:
        """Run a stand-alone script; what it prints. It must succeed."""
        return self.python("-c", text)

    def python(self, *arguments: str, given: str = "", **variables: str) -> str:
        finished = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=ROOT,
            env={**self.environment, **variables},
            input=given,
            text=True,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert finished.returncode == 0, f"{arguments} failed:\n{finished.stdout}{finished.stderr}"
        return finished.stdout
