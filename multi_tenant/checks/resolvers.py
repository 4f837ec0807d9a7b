"""The check of MULTI_TENANT["RESOLVERS"]: that they can be made, and that they do not trust strangers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage

from multi_tenant.checks.findings import finding, finding_of, on_readable_settings
from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers.base import Resolver
from multi_tenant.resolvers.chain import make_resolver
from multi_tenant.resolvers.domain import DomainResolver
from multi_tenant.resolvers.header import HeaderResolver, trusted_networks
from multi_tenant.resolvers.query import QueryResolver
from multi_tenant.resolvers.subdomain import SubdomainResolver

#: The app that asks for membership before it opens a tenant that was only selected.
USERS = "multi_tenant.users"


@on_readable_settings
def check_resolvers(**kwargs: Any) -> Iterator[CheckMessage]:
    """Each item of RESOLVERS, and whom HeaderResolver believes."""
    resolvers: list[Resolver] = []
    for item in conf.RESOLVERS:
        try:
            resolvers.append(make_resolver(item))
        except ConfigurationError as exc:
            yield finding_of("E013", exc)
    if any(isinstance(resolver, HeaderResolver) for resolver in resolvers):
        yield from proxy_findings()
    for resolver in resolvers:
        if isinstance(resolver, (HeaderResolver, QueryResolver)) and not apps.is_installed(USERS):
            yield finding("W003", resolver=type(resolver).__name__)
    yield from order_findings(resolvers)


def order_findings(resolvers: Sequence[Resolver]) -> Iterator[CheckMessage]:
    """A domain that a customer claims wins over another's subdomain where domains are asked first."""
    domains_asked = False
    for resolver in resolvers:
        domains_asked = domains_asked or isinstance(resolver, DomainResolver)
        if domains_asked and isinstance(resolver, SubdomainResolver):
            yield finding("W006", base=resolver.base)


def proxy_findings() -> Iterator[CheckMessage]:
    """What is wrong with the proxies whose header is believed."""
    networks = trusted_networks(conf.TRUSTED_PROXIES)
    if not networks:
        yield finding("W002")
    for network in networks:
        if network.prefixlen == 0:
            yield finding("W004", network=str(network))
