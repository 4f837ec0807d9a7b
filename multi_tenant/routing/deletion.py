"""Which relations a deletion follows: those whose tables are in the database that it is done in; set by the patches."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from django.db.models.deletion import Collector

from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import Home, home_of_model, is_static

#: The database in which the running deletion is done.
deleting_in: ContextVar[str | None] = ContextVar("multi_tenant.deleting_in", default=None)


def note_database(original: Any) -> Any:
    """A collector says where it deletes while it looks for what depends on the rows."""

    @functools.wraps(original)
    def method(self: Collector, *args: Any, **kwargs: Any) -> Any:
        before = deleting_in.get()
        deleting_in.set(self.using)
        try:
            return original(self, *args, **kwargs)
        finally:
            deleting_in.set(before)

    return method


def relations_here(original: Any) -> Any:
    """A model of both places has relations from models of one, whose tables the other does not have."""

    @functools.wraps(original)
    def get_candidate_relations_to_delete(opts: Any) -> Iterator[Any]:
        alias = deleting_in.get()
        relations: Iterator[Any] = original(opts)
        return relations if alias is None else (each for each in relations if has_table(alias, each.related_model))

    return get_candidate_relations_to_delete


def has_table(alias: str, model: Any) -> bool:
    """Whether the tables of a model's app are in a database, as far as we say."""
    home = home_of_model(model)
    if is_static(alias) or home is Home.NOWHERE:
        return True
    return home in (Home.SHARED if alias == PUBLIC else Home.TENANT, Home.BOTH)
