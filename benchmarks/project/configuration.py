"""What the harness tells a process of a peer: where its database is and under which regime it runs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

VARIABLE = "BENCHMARK_SITE"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One peer's settings, as far as they differ from one process to the next."""

    #: The server's superuser, as a postgresql:// URL; "" for SQLite.
    url: str
    #: The database that the peer calls its own; the path of a file for SQLite.
    database: str
    #: Seconds that a connection lives on after its request; None for ever.
    conn_max_age: int | None = 0
    #: Tenant connections that a thread of ours keeps.
    cap: int = 20
    #: Whether to switch on what a schema library offers to send fewer statements.
    tuned: bool = False
    #: Whether a schema library clones a schema for a new tenant, where it would migrate by default.
    cloning: bool = False
    #: Ours: the setting of that name; "" for the default.
    guard: str = ""
    #: The databases of the peer that lists them in DATABASES.
    databases: tuple[str, ...] = ()
    #: Where the package `ledgers` is that brings the many migrations; "" to go without.
    ledgers: str = ""

    @classmethod
    def from_environment(cls) -> Configuration:
        values: dict[str, Any] = json.loads(os.environ[VARIABLE])
        return cls(**{**values, "databases": tuple(values["databases"])})

    def to_environment(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(asdict(self))}

    def entry(self, name: str) -> dict[str, Any]:
        """An entry of DATABASES for a database of the server."""
        if not self.url:
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "CONN_MAX_AGE": self.conn_max_age}
        parts = urlsplit(self.url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": self.conn_max_age,
        }
