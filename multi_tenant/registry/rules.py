"""What an entry may say; asked before it is stored and again before it is used."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import load_backend

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.registry.aliases import TEMPLATE
from multi_tenant.registry.entry import ALLOWED_OPTIONS, VENDORS, Entry, engine_path, place_of, vendor_of
from multi_tenant.registry.values import OPTION_VALUES, VALUES, is_plain

ENGINES = frozenset(VENDORS)
#: What the names of files that SQLite keeps beside a database end with.
COMPANIONS = ("-journal", "-wal", "-shm")
KEYS = frozenset(
    {
        "ENGINE",
        "NAME",
        "USER",
        "PASSWORD",
        "HOST",
        "PORT",
        "OPTIONS",
        "CONN_MAX_AGE",
        "CONN_HEALTH_CHECKS",
        "DISABLE_SERVER_SIDE_CURSORS",
        "TIME_ZONE",
    }
)
#: What an entry on the public server, or on one of the registry, may say.
PLACED_KEYS = frozenset({"NAME", "USER", "PASSWORD"})


def validate_keys(entry: Mapping[str, Any]) -> None:
    """Raise InvalidEntryError unless each key and option that a tenant's own entry gives is allowed."""
    if not isinstance(entry, Mapping):
        raise InvalidEntryError('An entry is a dict such as {"ENGINE": …, "NAME": …, "HOST": …}. Give one.')
    for key in entry:
        if key not in KEYS:
            raise refused(str(key), f"may not be set. Leave it out; allowed are {', '.join(sorted(KEYS))}")
    validate_engine(entry)
    validate_options(entry)
    for key, is_right in VALUES.items():
        # The value stands in no frame of ours: what is wrong in the place of a password is often the password.
        if entry.get(key) is not None and not is_right(entry[key]):
            raise refused(key, "is not a value that it can have. See Django's settings for what it takes")
    validate_driver(entry)


def validate_placed(entry: Mapping[str, Any]) -> None:
    """Raise InvalidEntryError when an entry on a server of the deployment's says more than its database and login.

    Else a row whose plain column ``placement`` was forged would send the deployment's password to a tenant's own host.
    """
    for key in set(entry) - PLACED_KEYS:
        raise refused(str(key), "may not be set for a database on this server. Give the tenant its own placement")


def validate_place(entry: Entry, *, resolve: bool = True) -> None:
    """Raise InvalidEntryError unless a completed entry of a tenant's own may point where it points.

    ``resolve`` looks host names up as well, as is done when an entry is given; each use compares the text alone.
    """
    if entry.vendor == "sqlite":
        validate_file(str(entry["NAME"]))
    else:
        validate_name(entry)
        validate_host(str(entry["HOST"] or ""), resolve=resolve)
    validate_not_public(entry, resolve=resolve)


def validate_engine(entry: Mapping[str, Any]) -> None:
    """An engine of Django's, or one that the project itself uses for its databases."""
    trusted = {conf.public_database.get("ENGINE"), conf.ENTRY_DEFAULTS.get("ENGINE")}
    engine = entry.get("ENGINE")
    if engine is not None and (not isinstance(engine, str) or engine not in ENGINES | trusted):
        raise refused("ENGINE", f"is not allowed. Choose one of {', '.join(sorted(ENGINES))}")


def validate_driver(entry: Mapping[str, Any]) -> None:
    """An engine can be chosen only where its driver is installed."""
    try:
        load_backend(engine_path(entry))
    except ImproperlyConfigured as exc:
        raise refused("ENGINE", "has no driver on this machine. Install the driver, or choose another") from exc


def validate_options(entry: Mapping[str, Any]) -> None:
    """Options from the allow-list of the engine, plain values alone."""
    if entry.get("OPTIONS") is None:
        return
    if not isinstance(entry["OPTIONS"], Mapping):
        raise refused("OPTIONS", "is not a dict. Give a dict of options")
    allowed = ALLOWED_OPTIONS.get(vendor_of(engine_path(entry)), frozenset())
    options = Entry(entry["OPTIONS"])  # error reports print what a frame holds
    for name in options:
        if name not in allowed:
            raise refused(f"OPTIONS.{name}", f"may not be set. Leave it out; allowed are {', '.join(sorted(allowed))}")
        if not OPTION_VALUES.get(name, is_plain)(options[name]):
            raise refused(f"OPTIONS.{name}", "is not a value that it can have. See Django's settings for what it takes")


def validate_name(entry: Entry) -> None:
    """Libpq reads a name with ``=`` or ``://`` as a connection string, and cuts one of over 63 bytes."""
    name = str(entry["NAME"] or "")
    if not name or len(name.encode()) > 63 or "=" in name or "://" in name:
        raise refused("NAME", "is not the name of a database. Give a plain name of at most 63 bytes")
    refuse_reserved(name)


def validate_file(name: str) -> None:
    """A SQLite file stands under SQLITE_DIR, links resolved."""
    root = conf.SQLITE_DIR.resolve()
    path = Path(name).resolve()
    # Django takes a name with `mode=memory` for a database in memory, whose connections it never closes.
    in_memory = ":memory:" in name or "mode=memory" in name
    if name.startswith("file:") or in_memory or path == root or not path.is_relative_to(root):
        raise refused("NAME", 'is not a file below MULTI_TENANT["SQLITE_DIR"]. Give a plain file name')
    if path.name.startswith(".") or path.name.endswith(COMPANIONS):
        raise refused("NAME", "is a name for what is kept beside databases. Give another name")
    refuse_reserved(path.name)


def refuse_reserved(name: str) -> None:
    """A tenant in the place of a template would be cloned, rows and all, for each tenant to come."""
    if name.startswith(f"{conf.DATABASE_PREFIX}{TEMPLATE}_"):
        raise refused("NAME", "is a name for templates. Give another name")


def validate_host(host: str, *, resolve: bool) -> None:
    """Refuse a host through which a tenant could reach what only the deployment itself should reach."""
    if host in conf.ENTRY_HOSTS:
        return
    if not host or host.startswith(("/", "@")):
        raise refused("HOST", "is empty or a socket. Give the server's host name" + LISTED)
    if "," in host or any(character.isspace() for character in host):
        raise refused("HOST", "names more than one host. Give one host name")
    if any(forbidden(address) for address in addresses(host, resolve=resolve)):
        raise refused("HOST", "is a loopback or link-local address. Give a host that others reach too" + LISTED)


def validate_not_public(entry: Entry, *, resolve: bool) -> None:
    """Never the public database, and its server only if listed."""
    public = Entry(conf.public_database)
    if entry.vendor != vendor_of(str(public.get("ENGINE", ""))):
        return
    if entry.vendor == "sqlite":
        if place_of(entry) == place_of(public) or same_file(entry["NAME"], public.get("NAME")):
            raise refused("NAME", "is the public database. Give the tenant a database of its own")
        return
    host = str(entry["HOST"])
    same_host = place_of(entry)[1] == place_of(public)[1] or (
        resolve and is_same_machine(addresses(host, resolve=True), public_addresses(str(public.get("HOST") or "")))
    )
    if same_host and place_of(entry)[2:] == place_of(public)[2:]:
        raise refused("NAME", "is the public database. Give the tenant a database of its own")
    if same_host and host not in conf.ENTRY_HOSTS:
        raise refused("HOST", "is the public database's server. Leave the entry out to be placed there" + LISTED)


LISTED = ', or list it in MULTI_TENANT["ENTRY_HOSTS"]'


def refused(key: str, reason: str) -> InvalidEntryError:
    """The error for a key; it never repeats the value, which may be a secret."""
    return InvalidEntryError(f"The entry is refused: {key} {reason}.", key=key)


def public_addresses(host: str) -> frozenset[str]:
    """The addresses of the public server: several may be named, and a socket is this machine's."""
    local = not host or host.startswith(("/", "@"))
    names = ["localhost"] if local else host.split(",")
    return frozenset().union(*(addresses(name.strip(), resolve=True) for name in names))


def is_same_machine(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two hosts are one: by an address that they share, or as both are this machine."""
    return not one.isdisjoint(other) or (any(map(is_own, one)) and any(map(is_own, other)))


def is_own(address: str) -> bool:
    """Whether this machine itself has the address: no other can be bound to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def addresses(host: str, *, resolve: bool) -> frozenset[str]:
    """The IP addresses that a host stands for; none when it cannot be looked up or ``resolve`` is off.

    Odd spellings (``127.1``, ``0x7f000001``, ``[::1]``) are read as the C library reads them, without asking a server.
    """
    flags = 0 if resolve else socket.AI_NUMERICHOST
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        return frozenset({"127.0.0.1"}) if host.rstrip(".").lower() == "localhost" else frozenset()
    return frozenset(str(item[4][0]).partition("%")[0] for item in found)


def forbidden(address: str) -> bool:
    """Whether an address is of this machine or this link, also when wrapped in IPv6."""
    return any(
        form.is_loopback or form.is_link_local or form.is_unspecified or form.is_multicast
        for form in forms_of(ipaddress.ip_address(address))
    )


def forms_of(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address and those that are wrapped in it."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        yield from filter(None, (address.ipv4_mapped, address.sixtofour))


def same_file(one: Any, other: Any) -> bool:
    """Whether two names lead to one file, by links too."""
    try:
        return Path(str(one)).samefile(str(other))
    except OSError:
        return False
