"""A header names the tenant, if a trusted proxy sends it."""

from __future__ import annotations

from typing import Any

import pytest

from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers import HeaderResolver
from multi_tenant.resolvers.header import trusted_networks
from tests.resolvers.conftest import Requests

resolver = HeaderResolver(name="X-Tenant")
named = {"X-Tenant": " acme "}


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "2001:db8::7%eth0"])
def test_a_trusted_proxy_is_believed(socket: Requests, configure: Any, peer: str) -> None:
    configure(TRUSTED_PROXIES=["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"])
    assert resolver.resolve(socket(headers=named, peer=peer)) == "acme"


@pytest.mark.parametrize("peer", ["11.1.2.3", "192.0.2.2", "::1", "", "unix:", None])
def test_nobody_else_is(socket: Requests, configure: Any, peer: str | None) -> None:
    configure(TRUSTED_PROXIES=["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"])
    assert resolver.resolve(socket(headers=named, peer=peer)) is None


def test_nobody_is_trusted_unless_listed(socket: Requests) -> None:
    assert resolver.resolve(socket(headers=named, peer="127.0.0.1")) is None


@pytest.mark.parametrize("headers", [{}, {"X-Tenant": ""}, {"X-Tenant": " "}])
def test_a_proxy_may_name_none(socket: Requests, configure: Any, headers: Any) -> None:
    configure(TRUSTED_PROXIES=["10.0.0.0/8"])
    assert resolver.resolve(socket(headers=headers, peer="10.0.0.1")) is None


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
        trusted_networks(("proxy.example.com",))
