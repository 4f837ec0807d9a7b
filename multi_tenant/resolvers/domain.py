"""A resolver for tenants with domains of their own, listed in the registry."""

from __future__ import annotations

from typing import Any

from multi_tenant.registry.store import store
from multi_tenant.resolvers.hosts import host_of


class DomainResolver:
    """Answers the tenant that a Domain row gives the host to."""

    def resolve(self, request: Any) -> str | None:
        """The alias of the host's tenant."""
        host = host_of(request)
        return None if host is None else store.by_host(host)

    async def aresolve(self, request: Any) -> str | None:
        """``resolve`` for coroutines."""
        host = host_of(request)
        return None if host is None else await store.aby_host(host)
