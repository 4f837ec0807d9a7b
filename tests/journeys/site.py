"""The sample site as its operators have it: commands and scripts, each in a process of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
REGISTRY_TTL = 1.0
TIMEOUT_SECONDS = 180


@dataclass(frozen=True)
class Site:
    """One deployment of the sample site: a directory for its files, and the environment of its processes."""

    directory: Path
    environment: Mapping[str, str]

    def with_environment(self, **variables: str) -> Site:
        """The same deployment as processes see it that are given more variables."""
        return replace(self, environment={**self.environment, **variables})

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


def deployment(directory: Path, prefix: str) -> Site:
    """A deployment with its public database on SQLite, and nothing made yet; ``prefix`` begins the names it gives."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}
    environment = {
        **inherited,
        "DEMO_DIR": str(directory),
        "DEMO_SECRET_KEY": secrets.token_urlsafe(),
        "DEMO_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "DEMO_ENTRY_HOSTS": urlsplit(os.environ.get("MULTI_TENANT_TEST_POSTGRES", "")).hostname or "127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "tests.journeys.settings",
        "JOURNEY_PREFIX": prefix,
        "JOURNEY_TTL": str(REGISTRY_TTL),
        "PYTHONPATH": str(ROOT),
    }
    return Site(directory, environment)
