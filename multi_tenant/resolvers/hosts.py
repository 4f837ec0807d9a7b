"""The host of a request, and which hosts are the public site's; asked by the chain and by resolvers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http.request import validate_host

from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.registry.hosts import InvalidHostError, normalise_host

#: Hosts whose spelling is remembered; about 200 bytes each.
MAX_SPELLED = 2_000


def host_of(request: Any) -> str | None:
    """The host in its one spelling, None for what Django lets pass but no host can be.

    Raises Django's DisallowedHost, which it answers with 400.
    """
    try:
        return spelled(request.get_host())
    except InvalidHostError:
        return None


@lru_cache(maxsize=MAX_SPELLED)
def spelled(host: str) -> str:
    """``normalise_host``, remembered: each request brings one of the same few hosts."""
    return normalise_host(host)


def is_public(host: str) -> bool:
    """Whether MULTI_TENANT["PUBLIC_HOSTS"] lists the host."""
    return validate_host(host, public_patterns(conf.PUBLIC_HOSTS))


@lru_cache(maxsize=8)
def public_patterns(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns of PUBLIC_HOSTS in one spelling. Raises ConfigurationError for what is none."""
    return tuple(map(pattern_of, hosts))


def pattern_of(host: str) -> str:
    """A host, ``.example.com`` for it and its subdomains, or ``*``: as in ALLOWED_HOSTS."""
    if host == "*":
        return host
    dot = "." if host.startswith(".") else ""
    try:
        return dot + normalise_host(host.removeprefix("."))
    except InvalidHostError as exc:
        raise ConfigurationError(
            f'{host!r} in MULTI_TENANT["PUBLIC_HOSTS"] is not a host. Give a name such as example.com, or '
            ".example.com for its subdomains too."
        ) from exc
