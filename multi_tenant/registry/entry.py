"""The settings of one tenant's database: completed from the project's, named by their location, never shown."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from django.db.utils import load_backend

from multi_tenant.conf import conf

#: Settings of the public database that a tenant's own entry never inherits.
PRIVATE_KEYS = frozenset({"NAME", "HOST", "USER", "PASSWORD", "TEST", "ATOMIC_REQUESTS", "AUTOCOMMIT"})
#: OPTIONS that an entry may set, and inherit from the public database, by the vendor of its engine. Left out on
#: purpose: whatever names a file, a service, another server, a role or a statement to run.
ALLOWED_OPTIONS: Mapping[str, frozenset[str]] = {
    "sqlite": frozenset({"timeout", "transaction_mode"}),
    "postgresql": frozenset(
        {
            "application_name",
            "channel_binding",
            "client_encoding",
            "connect_timeout",
            "gssencmode",
            "isolation_level",
            "keepalives",
            "keepalives_count",
            "keepalives_idle",
            "keepalives_interval",
            "require_auth",
            "server_side_binding",
            "sslmode",
            "sslnegotiation",
            "target_session_attrs",
            "tcp_user_timeout",
        }
    ),
    "mysql": frozenset(
        {
            "charset",
            "collation",
            "connect_timeout",
            "isolation_level",
            "read_timeout",
            "ssl_mode",
            "write_timeout",
        }
    ),
}
#: Of Django's own engines, known also where their drivers are not installed.
VENDORS = {
    "django.db.backends.sqlite3": "sqlite",
    "django.db.backends.postgresql": "postgresql",
    "django.db.backends.mysql": "mysql",
    "django.contrib.gis.db.backends.spatialite": "sqlite",
    "django.contrib.gis.db.backends.postgis": "postgresql",
    "django.contrib.gis.db.backends.mysql": "mysql",
}
DEFAULT_PORTS = {"postgresql": "5432", "mysql": "3306"}
#: What Django's handler fills into each static alias (ConnectionHandler.configure_settings).
FILLED: Mapping[str, Any] = {
    "AUTOCOMMIT": True,
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "TIME_ZONE": None,
    "NAME": "",
    "USER": "",
    "PASSWORD": "",
    "HOST": "",
    "PORT": "",
}
TEST_FILLED = {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None}


class Hidden(str):
    """A text that error reports and logs do not show where a variable holds it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class Entry(dict[str, Any]):
    """A settings dict that hides its values from ``repr``, error reports and logs, and is not pickled."""

    def __repr__(self) -> str:
        return f"<entry of {self.get('ENGINE', 'an unnamed engine')}>"

    __str__ = __repr__

    def __copy__(self) -> Entry:
        return Entry(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Entry:
        return Entry(copy.deepcopy(dict(self), memo))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("An entry is not pickled, as it holds a password. Pickle the tenant's alias.")

    @property
    def vendor(self) -> str:
        """``sqlite``, ``postgresql``, ``mysql``, or what a backend of the project's own calls itself."""
        return vendor_of(str(self.get("ENGINE", "")))

    @property
    def generation(self) -> str:
        """A digest of the whole entry: two entries with the same one open the same connection."""
        return digest(dict(self))

    @property
    def location(self) -> str:
        """A digest of where the database is: vendor, host, port and name, without the login."""
        return digest(list(place_of(self)))


def complete_own(entry: Mapping[str, Any]) -> Entry:
    """Fill up a tenant's own entry: from ENTRY_DEFAULTS, then from what the public database may lend."""
    engine = engine_path(entry)
    return filled(Entry({**lent(engine), **conf.ENTRY_DEFAULTS, **entry, "ENGINE": engine}))


def complete_on_public_server(entry: Mapping[str, Any]) -> Entry:
    """Fill up an entry on the public database's server, with that server's login where the entry has none."""
    public = Entry({key: value for key, value in conf.public_database.items() if key != "TEST"})
    return filled(with_login(public, entry))


def complete_on_server(entry: Mapping[str, Any], credentials: Mapping[str, Any]) -> Entry:
    """Fill up an entry on a DatabaseServer, with that server's login where the entry has none."""
    return complete_own(with_login(Entry(credentials), entry))


def with_login(server: Entry, entry: Mapping[str, Any]) -> Entry:
    """A server's settings for an entry; a login of the entry's own is no member of the role that the server's takes."""
    options = server.get("OPTIONS") or {}
    if entry.get("USER"):
        options = {key: value for key, value in options.items() if key != "assume_role"}
    return Entry({**server, "OPTIONS": options, **entry})


def engine_path(entry: Mapping[str, Any]) -> str:
    """The backend that a tenant's own entry is for, given in it or not."""
    return str(entry.get("ENGINE") or conf.ENTRY_DEFAULTS.get("ENGINE") or conf.public_database.get("ENGINE", ""))


def lent(engine: str) -> dict[str, Any]:
    """What the public database's settings lend to a tenant's own entry; options only between equal engines."""
    public = Entry(conf.public_database)
    values = {key: value for key, value in public.items() if key not in PRIVATE_KEYS}
    options = public.get("OPTIONS") or {}
    if engine != public.get("ENGINE"):
        values.pop("PORT", None)
        options = {}
    allowed = ALLOWED_OPTIONS.get(vendor_of(engine), frozenset())
    return {**values, "OPTIONS": {key: value for key, value in options.items() if key in allowed}}


def filled(entry: Entry) -> Entry:
    """Give an entry every key that Django's backends read. ATOMIC_REQUESTS follows the public database's.

    A psycopg pool per alias has threads of its own and is of no use to thousands of tenants, so it is left out.
    """
    options = {key: value for key, value in (entry.get("OPTIONS") or {}).items() if key != "pool"}
    if vendor_of(str(entry["ENGINE"])) == "mysql":
        options["local_infile"] = False
    if vendor_of(str(entry["ENGINE"])) == "sqlite":
        entry = Entry({**entry, "NAME": str(sqlite_path(str(entry.get("NAME") or "")))})
    return Entry(
        {
            **FILLED,
            **entry,
            "OPTIONS": options,
            "TEST": dict(TEST_FILLED),
            "ATOMIC_REQUESTS": bool(conf.public_database.get("ATOMIC_REQUESTS", False)),
        }
    )


def sqlite_path(name: str) -> Path:
    """Where a tenant's SQLite file is: a relative name stands under SQLITE_DIR."""
    return conf.SQLITE_DIR / name


def place_of(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Vendor, host, port and name of a database, each in one spelling."""
    vendor = vendor_of(str(entry.get("ENGINE", "")))
    if vendor == "sqlite":
        return vendor, "", "", str(Path(str(entry.get("NAME"))).resolve())
    host = str(entry.get("HOST") or "localhost").lower().removesuffix(".")
    host = "localhost" if host in {"127.0.0.1", "::1"} else host
    port = str(entry.get("PORT") or DEFAULT_PORTS.get(vendor, ""))
    port = str(int(port)) if port.isdecimal() else port  # "05432" is the same door as "5432"
    return vendor, host, port, str(entry.get("NAME"))


def vendor_of(engine: str) -> str:
    """The vendor that a backend's wrapper names; "" where there is no engine."""
    if not engine:
        return ""
    return VENDORS.get(engine) or str(load_backend(engine).DatabaseWrapper.vendor)


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
