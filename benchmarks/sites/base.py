"""What each peer's process can do; `benchmarks.worker` calls it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from django.db import connection

from benchmarks.measures.visitor import Visitor
from benchmarks.project.shop.models import Customer, Order, Product
from benchmarks.tenants import alias_of, host_of


class Site(ABC):
    """The site of one peer, in the process that has its settings."""

    @abstractmethod
    def prepare(self, count: int) -> list[str]:
        """Make so many tenants with their rows; answers their databases, where they have some of their own."""

    def prepare_creation(self) -> None:
        """Do what is done once before tenants can be created."""
        raise NotImplementedError

    def create(self, alias: str) -> None:
        """Make a tenant as the peer does it, with all tables and a host."""
        raise NotImplementedError

    def first_answer(self, alias: str) -> int:
        """Make a tenant and ask it how many customers it has."""
        self.create(alias)
        answer: int = json.loads(self.visitor.ask(self.host(alias), "/found/"))["customers"]
        return answer

    def register(self, first: int, count: int, *, placed: bool = False) -> None:
        """Write rows of tenants and of their hosts, without a database or a schema."""
        raise NotImplementedError

    def middleware(self, get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The peer's middleware, made as Django makes it."""
        return get_response

    def inside(self, alias: str) -> AbstractContextManager[Any]:
        """Runs a block in a tenant."""
        raise NotImplementedError

    @cached_property
    def visitor(self) -> Visitor:
        """Who asks for pages; made at the first use, as it loads the whole site."""
        return Visitor()

    def alias(self, number: int) -> str:
        """What a tenant is called."""
        return alias_of(number)

    def host(self, alias: str) -> str:
        """The host that leads to a tenant."""
        return host_of(alias)

    def expected(self, number: int) -> str:
        """The name that the page of a tenant tells."""
        return self.alias(number)


def create_shop() -> None:
    """Make the tables that the page needs, where the connection is."""
    with connection.schema_editor() as editor:
        for model in (Customer, Product, Order):
            editor.create_model(model)
