"""What the demo keeps between its runs: one directory with its keys, its passwords and its databases."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from sample_site.errors import DemoError

VAR = Path(__file__).resolve().parent / "var"
LOCK = "lock"
FILES = ("environment.json", "passwords.json", "postgres.json", "public.sqlite3", "public.sqlite3-journal")
DIRECTORIES = ("tenants", "archive", "server")


@dataclass(frozen=True)
class State:
    """The directory of one demo; its files are for its owner alone."""

    directory: Path

    @classmethod
    def from_environment(cls, *, default: Path = VAR / "sqlite") -> State:
        """The state in the directory that DEMO_DIR names."""
        return cls(Path(os.environ.get("DEMO_DIR", default)).absolute())

    def fill_environment(self) -> None:
        """Set each variable that sample_site.settings reads, where it is not set already."""
        for name, value in self.environment().items():
            os.environ.setdefault(name, value)
        if programs := os.environ.get("DEMO_PROGRAMS"):  # of PostgreSQL, which dbshell and archives call
            os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def environment(self) -> dict[str, str]:
        """The variables of this demo; the keys are made at the first use."""
        self.directory.mkdir(parents=True, exist_ok=True)
        made = {
            "DEMO_SECRET_KEY": secrets.token_urlsafe(40),
            "DEMO_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        }
        return {**self.recall("environment", made), "DEMO_DIR": str(self.directory)}

    def passwords(self, names: list[str]) -> dict[str, str]:
        """A password for each name; made once, the same at each run."""
        return self.recall("passwords", {name: secrets.token_urlsafe(9) for name in names})

    def recall(self, name: str, made: dict[str, Any]) -> dict[str, Any]:
        """What was stored under a name; where nothing was, or not all of it, store what is given for the rest."""
        path = self.directory / f"{name}.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        if made.keys() - stored.keys():
            stored = {**made, **stored}
            self.store(name, stored)
        return stored

    def update(self, name: str, **values: Any) -> None:
        """Add to what is stored under a name."""
        self.store(name, {**self.recall(name, {}), **values})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second demo away from these files until the end of the block."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                raise DemoError("it runs already, in another terminal. Stop it there with Ctrl-C.") from busy
            yield

    def clear(self) -> None:
        """Remove what the demo made, and nothing else that may stand in the directory."""
        for name in DIRECTORIES:
            shutil.rmtree(self.directory / name, ignore_errors=True)
        for name in FILES:
            (self.directory / name).unlink(missing_ok=True)

    def store(self, name: str, values: dict[str, Any]) -> None:
        """Write a file whole or not at all; nobody else may read it."""
        path = self.directory / f"{name}.json"
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(values, indent=2))
        draft.replace(path)
