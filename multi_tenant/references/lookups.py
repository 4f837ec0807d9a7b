"""The lookups of a reference that take a queryset of public rows: it is run on public first, then its keys are used."""

from __future__ import annotations

import copy
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models.fields.related_lookups import RelatedExact, RelatedIn
from django.db.models.sql import Query

from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import Home, home_of_model


class PublicRows:
    """Runs a queryset of public rows when the statement is made, which is in a thread of its own for async code."""

    lhs: Any
    rhs: Any

    def get_prep_lookup(self) -> Any:
        if is_public(self.rhs) and not self.rhs.has_select_fields:
            self.rhs.set_values([self.lhs.output_field.target_field.name])
        return super().get_prep_lookup()  # type: ignore[misc]  # Lookup's

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not is_public(self.rhs):
            return super().as_sql(compiler, connection)  # type: ignore[misc]  # Lookup's
        lookup = copy.copy(self)
        lookup.rhs = self.values_of(keys_from(self.rhs))
        return super(PublicRows, lookup).as_sql(compiler, connection)  # type: ignore[misc]  # Lookup's

    def values_of(self, keys: list[Any]) -> Any:
        """What the keys stand for in the statement."""
        raise NotImplementedError


class PublicIn(PublicRows, RelatedIn):
    """``filter(plan__in=Plan.objects.filter(...))``."""

    def values_of(self, keys: list[Any]) -> Any:
        return keys


class PublicExact(PublicRows, RelatedExact):
    """``filter(plan=Plan.objects.filter(...)[:1])``."""

    def values_of(self, keys: list[Any]) -> Any:
        if not keys:
            raise EmptyResultSet
        return keys[0]


def is_public(value: Any) -> bool:
    """Whether a value is a query for rows that are in the public database alone."""
    return isinstance(value, Query) and value.model is not None and home_of_model(value.model) is Home.SHARED


def keys_from(query: Query) -> list[Any]:
    """The first column of a query's rows."""
    return [row[0] for row in query.clone().get_compiler(PUBLIC).results_iter(tuple_expected=True)]
