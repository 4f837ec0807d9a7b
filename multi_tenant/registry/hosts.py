"""The one spelling of a host, for domains, resolvers and the store."""

from __future__ import annotations

import re

from multi_tenant.exceptions import MultiTenantError

#: One label of a host name (RFC 1123; underscores occur in practice and do no harm).
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\]")


class InvalidHostError(MultiTenantError, ValueError):
    """A host is malformed."""


def normalise_host(host: str) -> str:
    """Return the host in lower case, without port and trailing dot, its labels in ASCII (IDNA).

    Raises InvalidHostError for anything that is no host name or address.
    """
    name = without_port(host.strip().lower())
    if IPV6.fullmatch(name):
        return name
    try:
        ascii_name = name.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise InvalidHostError(f"{host[:80]!r} is not a host. Give a name such as acme.example.com.") from None
    labels = ascii_name.split(".")
    if len(ascii_name) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise InvalidHostError(f"{host[:80]!r} is not a host. Give a name such as acme.example.com.")
    return ascii_name


def without_port(host: str) -> str:
    """The host without ``:port``; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        end = host.find("]")
        return host[: end + 1] if host[end + 1 :] == "" or re.fullmatch(r":\d{1,5}", host[end + 1 :]) else host
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
