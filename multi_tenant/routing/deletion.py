"""Which relations a deletion follows, those within its database, and who else hears of it; set by the patches."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from django.db import transaction
from django.db.models.deletion import Collector
from django.dispatch import Signal

from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import Home, home_of_model, is_static
from multi_tenant.variables import holding

#: The database in which the running deletion is done.
deleting_in: ContextVar[str | None] = ContextVar("multi_tenant.deleting_in", default=None)

#: Sent with a ``collector`` before it deletes. A receiver that raises prevents it; one that answers a function has it
#: called when the rows are gone for good.
deleting = Signal()


def tell_before(original: Any) -> Any:
    """What other databases hold of the rows is asked before they go: ``pre_delete`` is sent for each row anew."""

    @functools.wraps(original)
    def delete(self: Collector) -> Any:
        afterwards: list[Any] = [answer for _, answer in deleting.send(sender=Collector, collector=self) if answer]
        if not afterwards:
            return original(self)
        with transaction.atomic(using=self.using, savepoint=False):
            deleted = original(self)
            for function in afterwards:
                transaction.on_commit(function, using=self.using)
        return deleted

    return delete


def note_database(original: Any) -> Any:
    """A collector says where it deletes while it looks for what depends on the rows."""

    @functools.wraps(original)
    def method(self: Collector, *args: Any, **kwargs: Any) -> Any:
        with holding(deleting_in, self.using):
            return original(self, *args, **kwargs)

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
