"""A resolver for tenants that are subdomains of one domain: ``acme.example.com``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from multi_tenant.exceptions import ConfigurationError, InvalidAliasError
from multi_tenant.registry.aliases import validate_alias
from multi_tenant.registry.hosts import InvalidHostError, normalise_host
from multi_tenant.resolvers.base import TextResolver
from multi_tenant.resolvers.hosts import host_of


class SubdomainResolver(TextResolver):
    """Takes the one label before ``base`` as the alias.

    The base itself, deeper subdomains, labels that no tenant may bear, and those in ``exclude`` are left to the
    resolvers that follow and to PUBLIC_HOSTS.
    """

    def __init__(self, *, base: str, exclude: Iterable[str] = ("www",)) -> None:
        try:
            self.base = normalise_host(base)
        except InvalidHostError as exc:
            raise ConfigurationError(
                f"The base {base!r} of SubdomainResolver is not a domain. Give one such as example.com."
            ) from exc
        self.exclude = frozenset(exclude)

    def resolve(self, request: Any) -> str | None:
        host = host_of(request) or ""
        label = host.removesuffix(f".{self.base}")
        if label == host or label in self.exclude:
            return None
        try:
            return validate_alias(label)
        except InvalidAliasError:
            return None
