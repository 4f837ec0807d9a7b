"""The one spelling of a host, for domains, resolvers and the store."""

from __future__ import annotations

import re
import socket

from multi_tenant.exceptions import MultiTenantError

#: One label of a host name (RFC 1123; underscores occur in practice and do no harm).
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
PORT = re.compile(r":[0-9]{1,5}")
#: Characters that browsers (IDNA 2008) keep and Python's codec (IDNA 2003) replaces or drops, which would give one
#: tenant the host of another: sharp s, final sigma and the joiners.
DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")


class InvalidHostError(MultiTenantError, ValueError):
    """A host is malformed."""


def normalise_host(host: str) -> str:
    """Return the host in lower case, without port and trailing dot, its labels in ASCII (IDNA), IPv6 compressed.

    Raises InvalidHostError for anything that is no host name or address.
    """
    name = without_port(host.strip().lower())
    if name.startswith("["):
        return bracketed(name)
    if DEVIATIONS.intersection(name):
        raise InvalidHostError(
            f"{host[:80]!r} holds a character that programs translate in different ways. Write its ASCII form, xn--…"
        )
    try:
        ascii_name = name.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise malformed(host) from None
    labels = ascii_name.split(".")
    if len(ascii_name) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise malformed(host)
    return ascii_name


def without_port(host: str) -> str:
    """The host without ``:port``; an IPv6 address keeps its brackets."""
    head, bracket, tail = host.rpartition("]")
    name, colon, port = tail.partition(":")
    return head + bracket + name if PORT.fullmatch(colon + port) else host


def bracketed(host: str) -> str:
    """An IPv6 address in its shortest spelling, in the brackets that it came in."""
    if not host.endswith("]") or "%" in host:
        raise malformed(host)
    try:
        # Not by `ipaddress`, which spells wrapped IPv4 addresses in one way before Python 3.13 and in another since.
        return f"[{socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host[1:-1]))}]"
    except (OSError, UnicodeError):
        raise malformed(host) from None


def malformed(host: str) -> InvalidHostError:
    """The error for a host, of which a part is repeated."""
    return InvalidHostError(f"{host[:80]!r} is not a host. Give a name such as acme.example.com.")
