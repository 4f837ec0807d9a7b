"""A resolver for tenants that a trusted proxy names in a header."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers.base import TextResolver


class HeaderResolver(TextResolver):
    """Takes the value of a header as the alias, if the request comes straight from one of TRUSTED_PROXIES.

    The proxy must set or remove the header on each request, since clients can send it too. A socket's request needs
    ``META["REMOTE_ADDR"]`` besides.
    """

    only_selects = True

    def __init__(self, *, name: str) -> None:
        self.name = name

    def resolve(self, request: Any) -> str | None:
        if not is_trusted(getattr(request, "META", {}).get("REMOTE_ADDR") or ""):
            return None
        return (request.headers.get(self.name) or "").strip() or None


def is_trusted(address: str) -> bool:
    """Whether MULTI_TENANT["TRUSTED_PROXIES"] lists the address or its network."""
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket has none
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer in network for network in trusted_networks(conf.TRUSTED_PROXIES))


@lru_cache(maxsize=8)
def trusted_networks(
    proxies: tuple[str, ...],
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks of TRUSTED_PROXIES. Raises ConfigurationError for what is none."""
    try:
        return tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
    except ValueError as exc:
        raise ConfigurationError(
            f'MULTI_TENANT["TRUSTED_PROXIES"] is wrong: {exc}. Give addresses or networks such as 10.0.0.0/8.'
        ) from exc
