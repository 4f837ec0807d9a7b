"""A parameter of the query string names the tenant."""

from __future__ import annotations

import pytest

from multi_tenant.resolvers import QueryResolver
from tests.resolvers.conftest import Requests

resolver = QueryResolver(name="tenant")


def test_the_parameter_is_the_alias(socket: Requests) -> None:
    assert resolver.resolve(socket(query="a=1&tenant=acme")) == "acme"


@pytest.mark.parametrize("query", ["", "tenant=", "tenan=acme"])
def test_without_it_others_are_asked(socket: Requests, query: str) -> None:
    assert resolver.resolve(socket(query=query)) is None
