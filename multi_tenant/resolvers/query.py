"""A resolver for tenants that are named in the query string: ``?tenant=acme``."""

from __future__ import annotations

from typing import Any

from multi_tenant.resolvers.base import TextResolver


class QueryResolver(TextResolver):
    """Takes a parameter of the query string as the alias. It selects a tenant, and is no proof of a right to it."""

    only_selects = True

    def __init__(self, *, name: str) -> None:
        self.name = name

    def resolve(self, request: Any) -> str | None:
        return request.GET.get(self.name) or None
