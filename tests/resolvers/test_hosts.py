"""PUBLIC_HOSTS are written as ALLOWED_HOSTS are."""

from __future__ import annotations

from typing import Any

import pytest

from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers.hosts import is_public, public_patterns


@pytest.mark.parametrize(
    ("pattern", "public", "others"),
    [
        ("example.com", ["example.com"], ["www.example.com", "example.org", "aexample.com"]),
        (".Example.com", ["example.com", "www.example.com", "a.b.example.com"], ["aexample.com"]),
        ("example.com.:8000", ["example.com"], ["www.example.com"]),
        ("bücher.example", ["xn--bcher-kva.example"], ["bucher.example"]),
        ("[::1]", ["[::1]"], ["[::2]"]),
        ("*", ["anything.example"], []),
    ],
)
def test_a_pattern_covers_what_it_says(configure: Any, pattern: str, public: list[str], others: list[str]) -> None:
    configure(PUBLIC_HOSTS=[pattern])
    assert [host for host in (*public, *others) if is_public(host)] == public


def test_no_host_is_public_by_itself() -> None:
    assert not is_public("localhost")


@pytest.mark.parametrize("host", ["http://example.com/", "", ".", "*.example.com"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_HOSTS"):
        public_patterns((host,))
