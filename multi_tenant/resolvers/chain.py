"""The resolvers of MULTI_TENANT["RESOLVERS"] in a row; asked by the middleware and by rooms that serve sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.utils.module_loading import import_string

from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError, UnknownTenantError
from multi_tenant.registry.aliases import PATTERN, PUBLIC, RESERVED
from multi_tenant.resolvers.base import Resolver
from multi_tenant.resolvers.hosts import host_of, is_public


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes: a tenant's alias or ``public``, and the beginning of the path that said so.

    ``selected`` is whether the sender of the request may have said what it pleased.
    """

    alias: str
    prefix: str = ""
    selected: bool = False


class ResolverChain:
    """Asks each resolver in turn; the first answer wins, then PUBLIC_HOSTS are public, all else is nowhere.

    Raises ConfigurationError when a resolver cannot be made.
    """

    def __init__(self) -> None:
        self.resolvers = tuple(make_resolver(item) for item in conf.RESOLVERS)

    def resolve(self, request: Any) -> Destination | None:
        """Where the request goes, None for nowhere.

        Raises UnknownTenantError for an answer that no tenant can bear, and what resolvers raise.
        """
        for resolver in self.resolvers:
            alias = resolver.resolve(request)
            if alias is not None:
                return destination_of(resolver, request, alias)
        return public_destination(request)

    async def aresolve(self, request: Any) -> Destination | None:
        """``resolve`` for coroutines."""
        for resolver in self.resolvers:
            aresolve = getattr(resolver, "aresolve", None) or sync_to_async(resolver.resolve)
            alias = await aresolve(request)
            if alias is not None:
                return destination_of(resolver, request, alias)
        return public_destination(request)


def make_resolver(item: str | tuple[str, Mapping[str, Any]], *, setting: str = "RESOLVERS") -> Resolver:
    """The resolver of one item of a setting. Raises ConfigurationError."""
    path, options = (item, {}) if isinstance(item, str) else unpacked(item, setting)
    try:
        resolver = import_string(path)(**options)
    except (ImportError, TypeError) as exc:
        raise ConfigurationError(
            f'{path!r} in MULTI_TENANT["{setting}"] cannot be made ({exc}). Give the dotted path of a resolver class, '
            "or (path, options)."
        ) from exc
    if not callable(getattr(resolver, "resolve", None)):
        raise ConfigurationError(
            f'{path!r} in MULTI_TENANT["{setting}"] is no resolver. Give it a method resolve(request).'
        )
    return resolver  # type: ignore[no-any-return]  # looked at just above


def unpacked(item: Any, setting: str) -> tuple[str, Mapping[str, Any]]:
    """Path and options of an item that is no text. Raises ConfigurationError for any other shape."""
    match item:
        case [str(path), Mapping() as options]:
            return path, options
    raise ConfigurationError(
        f'MULTI_TENANT["{setting}"] holds a {type(item).__name__} of another shape. Give a dotted path or '
        "(path, options)."
    )


def destination_of(resolver: Resolver, request: Any, alias: str) -> Destination:
    """Text that cannot be an alias is refused here, so that it reaches neither the registry nor its caches.

    ``public`` is among it: no visitor is to choose the public site by name. Raises ConfigurationError for a resolver
    that answers what is no text.
    """
    if not isinstance(alias, str):
        raise ConfigurationError(
            f"{type(resolver).__name__}.resolve answered a {type(alias).__name__}. Let it answer a tenant's alias, or "
            "None."
        )
    if not PATTERN.fullmatch(alias) or alias in RESERVED:
        raise UnknownTenantError(alias[:48])
    prefix_of = getattr(resolver, "prefix_of", None)
    prefix = prefix_of(request, alias) if prefix_of else ""
    return Destination(alias, prefix, selected=getattr(resolver, "only_selects", False))


def public_destination(request: Any) -> Destination | None:
    """Public, if the host is one of PUBLIC_HOSTS."""
    host = host_of(request)
    return Destination(PUBLIC) if host is not None and is_public(host) else None
