"""References to public rows that are gone; looked for by the command `find_dangling_references`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.apps import apps
from django.db.models import Count

from multi_tenant.fleet.run import Outcome, run_in_each
from multi_tenant.fleet.selection import FleetTenant
from multi_tenant.references.field import PublicForeignKey
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import Home, home_of_model

#: How many keys are looked up at a time.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Dangling:
    """A key that ``rows`` of a tenant's model hold, and no public row has; ``field`` as ``app.Model.field``."""

    field: str
    key: Any
    rows: int


def find_in_each(tenants: Iterable[FleetTenant]) -> Iterator[Outcome[list[Dangling]]]:
    """Look for dangling references in each tenant in turn, and answer its outcome before the next begins."""
    return run_in_each(tenants, lambda _: [one for field in references() for one in dangling(field)], any_state=True)


def references() -> Iterator[Any]:
    """Each ``PublicForeignKey`` of a model that tenants have."""
    for model in apps.get_models(include_auto_created=True):
        if home_of_model(model) in (Home.TENANT, Home.BOTH) and not model._meta.proxy:
            yield from (field for field in model._meta.local_fields if isinstance(field, PublicForeignKey))


def dangling(field: Any) -> Iterator[Dangling]:
    """What dangles in one column of the active tenant's."""
    rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False}).order_by()
    counted = rows.values_list(field.attname).annotate(Count("pk")).iterator(chunk_size=BATCH)
    while batch := list(islice(counted, BATCH)):
        there = known_keys(field, [key for key, _ in batch])
        yield from (Dangling(str(field), key, count) for key, count in batch if key not in there)


def known_keys(field: Any, keys: list[Any]) -> set[Any]:
    """Those of the keys that public rows have."""
    target = field.target_field.name
    rows = field.remote_field.model._base_manager.using(PUBLIC).filter(**{f"{target}__in": keys})
    return set(rows.values_list(target, flat=True))
