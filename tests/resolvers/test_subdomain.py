"""One label before the base is an alias."""

from __future__ import annotations

import pytest

from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers import SubdomainResolver
from tests.resolvers.conftest import Requests

resolver = SubdomainResolver(base="Example.com.")


@pytest.mark.parametrize("host", ["acme.example.com", "ACME.example.com:8000", "acme.EXAMPLE.com."])
def test_the_label_is_the_alias(socket: Requests, host: str) -> None:
    assert resolver.resolve(socket(host)) == "acme"


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "www.example.com",
        "a.b.example.com",
        "acme.example.org",
        "acmeexample.com",
        ".example.com",
        "public.example.com",
        "default.example.com",
        "template.example.com",
        "_acme.example.com",
        "1acme.example.com",
        f"{'a' * 49}.example.com",
        "not/a/host.example.com",
        "acme..example.com",
    ],
)
def test_anything_else_is_left_to_others(socket: Requests, host: str) -> None:
    assert resolver.resolve(socket(host)) is None


def test_labels_can_be_kept_from_tenants(socket: Requests) -> None:
    resolver = SubdomainResolver(base="example.com", exclude=["api"])
    assert resolver.resolve(socket("api.example.com")) is None
    assert resolver.resolve(socket("www.example.com")) == "www"


def test_an_international_base_is_understood(socket: Requests) -> None:
    assert SubdomainResolver(base="bücher.example").resolve(socket("acme.xn--bcher-kva.example")) == "acme"


def test_a_base_that_is_no_domain_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="base"):
        SubdomainResolver(base="a b")
