"""The segment after the prefix is an alias."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers import PathResolver
from tests.resolvers.conftest import Requests

resolver = PathResolver(prefix="t")


@pytest.mark.parametrize("path", ["/t/acme/", "/t/acme", "/t/acme/notes/1/", "/t/acme//x"])
def test_the_segment_is_the_alias(socket: Requests, path: str) -> None:
    assert resolver.resolve(socket(path=path)) == "acme"
    assert resolver.prefix_of(socket(path=path), "acme") == "/t/acme"


@pytest.mark.parametrize("path", ["/", "/t", "/t/", "/t//acme/", "/tt/acme/", "/x/t/acme/", "t/acme/"])
def test_anything_else_is_left_to_others(socket: Requests, path: str) -> None:
    assert resolver.resolve(socket(path=path)) is None


def test_a_deployment_below_a_path_is_not_looked_at() -> None:
    request = RequestFactory().get("/t/acme/", SCRIPT_NAME="/t/shop")
    assert (request.path, resolver.resolve(request)) == ("/t/shop/t/acme/", "acme")


@pytest.mark.parametrize("prefix", ["t", "/t/", "a/b"])
def test_slashes_around_the_prefix_do_not_matter(socket: Requests, prefix: str) -> None:
    path = f"/{prefix.strip('/')}/acme/"
    assert PathResolver(prefix=prefix).resolve(socket(path=path)) == "acme"


@pytest.mark.parametrize("prefix", ["", "/", "a//b", "a b", "a?b"])
def test_a_prefix_that_is_no_path_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="prefix"):
        PathResolver(prefix=prefix)
