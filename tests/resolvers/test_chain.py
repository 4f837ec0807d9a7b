"""The first resolver that answers wins; what no resolver and no PUBLIC_HOSTS know is nowhere."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from multi_tenant.exceptions import ConfigurationError, UnknownTenantError
from multi_tenant.resolvers import chain
from multi_tenant.resolvers.chain import Destination, ResolverChain
from tests.resolvers.conftest import Requests

OWN = f"{__name__}.CookieResolver"
QUERY = ("multi_tenant.resolvers.QueryResolver", {"name": "tenant"})
PATH = ("multi_tenant.resolvers.PathResolver", {"prefix": "t"})


class CookieResolver:
    """An outsider's resolver, without async twin or prefix."""

    def __init__(self, name: str = "X-Cookie") -> None:
        self.name = name
        self.threads: set[int] = set()

    def resolve(self, request: Any) -> str | None:
        self.threads.add(get_ident())
        value = request.headers.get(self.name)
        return None if value is None else str(value)


class AsyncResolver(CookieResolver):
    """One with a twin of its own."""

    async def aresolve(self, request: Any) -> str | None:
        return "from-the-twin"


class RowResolver:
    """One that is wrong: it answers no text."""

    def resolve(self, request: Any) -> Any:
        return object()


Resolve = Callable[..., Destination | None]


@pytest.fixture(params=["resolve", "aresolve"])
def resolve(request: pytest.FixtureRequest) -> Resolve:
    def run(socket: Any) -> Destination | None:
        resolvers = ResolverChain()
        return resolvers.resolve(socket) if request.param == "resolve" else async_to_sync(resolvers.aresolve)(socket)

    return run


def test_the_first_answer_wins(configure: Any, socket: Requests, resolve: Resolve) -> None:
    configure(RESOLVERS=[OWN, QUERY, PATH], PUBLIC_HOSTS=["example.com"])
    request = socket(headers={"X-Cookie": "acme"}, query="tenant=bolt", path="/t/coil/")
    assert resolve(request) == Destination("acme")
    assert resolve(socket(query="tenant=bolt", path="/t/coil/")) == Destination("bolt", selected=True)
    assert resolve(socket(path="/t/coil/")) == Destination("coil", "/t/coil")
    assert resolve(socket()) == Destination("public")
    assert resolve(socket("example.org")) is None


def test_an_answer_that_is_no_text_is_the_resolvers_mistake(configure: Any, socket: Requests, resolve: Resolve) -> None:
    configure(RESOLVERS=[f"{__name__}.RowResolver"])
    with pytest.raises(ConfigurationError, match=r"RowResolver.*answered a object.*Let it answer"):
        resolve(socket())


def test_options_reach_the_resolver(configure: Any, socket: Requests, resolve: Resolve) -> None:
    configure(RESOLVERS=[[OWN, {"name": "X-Other"}]])
    assert resolve(socket(headers={"X-Other": "acme"})) == Destination("acme")


def test_the_async_twin_is_for_async_code(configure: Any, socket: Requests) -> None:
    configure(RESOLVERS=[f"{__name__}.AsyncResolver"], PUBLIC_HOSTS=["*"])
    assert ResolverChain().resolve(socket()) == Destination("public")
    assert async_to_sync(ResolverChain().aresolve)(socket()) == Destination("from-the-twin")


async def test_without_a_twin_it_runs_in_a_thread(configure: Any, socket: Requests) -> None:
    configure(RESOLVERS=[OWN], PUBLIC_HOSTS=["*"])
    resolvers = ResolverChain()
    await resolvers.aresolve(socket())
    [resolver] = resolvers.resolvers
    assert isinstance(resolver, CookieResolver)
    assert get_ident() not in resolver.threads


@pytest.mark.parametrize(
    "alias", ["", "ACME", "a b", "a\0b", "../x", "a" * 49, "public", "default", "template", "ac\n"]
)
def test_an_answer_that_no_tenant_can_bear_is_unknown(
    configure: Any, socket: Requests, resolve: Resolve, alias: str
) -> None:
    """It never reaches the registry: this test may use no database."""
    configure(RESOLVERS=[OWN], PUBLIC_HOSTS=["*"])
    with pytest.raises(UnknownTenantError):
        resolve(socket(headers={"X-Cookie": alias}))


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("multi_tenant.resolvers.NoSuchResolver", "cannot be made"),
        ("no_such_module.Resolver", "cannot be made"),
        ("nonsense", "cannot be made"),
        ("multi_tenant.resolvers.PathResolver", "cannot be made"),
        (("multi_tenant.resolvers.PathResolver", {"prefix": "t", "x": 1}), "cannot be made"),
        (("multi_tenant.resolvers.PathResolver", {"prefix": ""}), "prefix"),
        ("collections.OrderedDict", "no resolver"),
        (("multi_tenant.resolvers.PathResolver", "t"), "another shape"),
        (("multi_tenant.resolvers.PathResolver",), "another shape"),
        (7, "another shape"),
    ],
)
def test_what_cannot_be_made_is_a_wrong_setting(item: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        chain.make_resolver(item)


def test_a_default_is_there(settings: Any) -> None:
    settings.MULTI_TENANT = {}
    assert [type(resolver).__name__ for resolver in ResolverChain().resolvers] == ["DomainResolver"]
