"""What a resolver is; the chain calls it, a project may write its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol


class Resolver(Protocol):
    """Anything with ``resolve``; made once per process with its options from MULTI_TENANT["RESOLVERS"].

    A request is an HttpRequest, or for a socket an object with ``get_host()``, ``headers``, ``path`` and ``GET``.
    ``resolve`` runs while no tenant is chosen, and may query shared models. Two methods are optional: ``aresolve``, its
    twin for coroutines, without which ``resolve`` runs in a thread; and ``prefix_of(request, alias)``, the beginning of
    the path that named the tenant, which becomes part of the script prefix. An attribute ``only_selects`` is True for
    one that believes whoever sends the request.
    """

    def resolve(self, request: Any) -> str | None:
        """The alias that the request names, None where it names none; an unknown one is answered with 404."""
        ...


class TextResolver(ABC):
    """A resolver that reads nothing but the request, and so needs no thread in async code."""

    @abstractmethod
    def resolve(self, request: Any) -> str | None:
        """The alias that the request names."""

    async def aresolve(self, request: Any) -> str | None:
        """``resolve`` for coroutines."""
        return self.resolve(request)
