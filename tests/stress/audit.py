"""What stands in the tenants before and after a crowd has worked, compared with what the workers say they wrote."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from django.db.models import Model

from multi_tenant.context import public_context, tenant_context
from multi_tenant.routing.wrapper import TenantConnection
from tests.stress.crowd import Crowd, total
from tests.stress.worker import AUTHORS, CITY, COUNTRY, LOCKED, TAGS, TALLY, CrossingError, expect, expect_of
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book, Tag

#: Tables whose rows bear the tenant's name, and the column where they do.
NAMES: tuple[tuple[type[Model], str], ...] = ((Author, "name"), (Tag, "word"), (Book, "title"), (City, "name"))
LINKS = Book.tags.through
#: Seconds that a server may take to notice that its clients have gone, or a crowd to come by.
PATIENCE = 180


@dataclass(frozen=True)
class Census:
    """Rows by alias and table, and what the tallies show."""

    rows: Counter[tuple[str, str]]
    tallies: Counter[tuple[str, int]]

    @classmethod
    def take(cls, aliases: Iterable[str]) -> Census:
        """Count all rows, and look whose they are."""
        rows: Counter[tuple[str, str]] = Counter()
        tallies: Counter[tuple[str, int]] = Counter()
        for alias in aliases:
            with tenant_context(alias):
                rows.update(rows_of(alias))
                for tag in Tag.objects.filter(pk__in=(TALLY, LOCKED)):
                    tallies[alias, tag.pk] = int(tag.word.partition(":")[2])
        with public_context():
            rows.update({("public", City._meta.label): City.objects.count()})
            expect_of("public", *City.objects.values_list("name", flat=True))
        return cls(rows, tallies)


def rows_of(alias: str) -> dict[tuple[str, str], int]:
    """The rows of the active tenant; each bears its name."""
    counts = {(alias, LINKS._meta.label): LINKS._default_manager.count()}
    for model, column in NAMES:
        names = list(model._default_manager.values_list(column, flat=True))
        expect_of(alias, *names)
        counts[alias, model._meta.label] = len(names)
    return counts


def settle(aliases: Sequence[str]) -> None:
    """Give each tenant, and public, the rows that all begin with; their keys are the same ones everywhere."""
    for alias in aliases:
        with tenant_context(alias):
            # One by one: keys are given in this order on each engine.
            authors = [Author.objects.create(name=f"{alias}:author {key}") for key in AUTHORS]
            tags = [Tag.objects.create(word=f"{alias}:0") for _ in (TALLY, LOCKED)]
            tags += [Tag.objects.create(word=f"{alias}:tag {key}") for key in TAGS]
            city = City.objects.create(name=f"{alias}:city", country=Country.objects.create(code=alias[-2:]))
            keys = [row.pk for row in (*authors, *tags, city.country, city)]
            assert keys == [*AUTHORS, TALLY, LOCKED, *TAGS, COUNTRY, CITY]


def settle_public() -> None:
    """The rows of the models that live in public, too; there a flush does not put the keys back to their start."""
    country = Country.objects.create(pk=COUNTRY, code="pu")
    City.objects.create(pk=CITY, name="public:city", country=country)


def compare(before: Census, after: Census, crowd: Crowd) -> None:
    """Each tenant holds what was there before, and what was written: neither more nor less."""
    expected = total([before.rows, crowd.written])
    wrong = {key: (after.rows[key], expected[key]) for key in after.rows | expected if after.rows[key] != expected[key]}
    expect(not wrong, f"rows (found, expected): {wrong}, seed {crowd.seed!r}")
    tallies = total([before.tallies, *(worker.tallies for worker in crowd.workers)])
    expect(after.tallies == tallies, f"tallies: {after.tallies - tallies}, {tallies - after.tallies}")
    written = sum(crowd.written.values())
    expect(after.rows.total() - before.rows.total() == written, f"{written} rows were written, seed {crowd.seed!r}")


def wrappers() -> list[Any]:
    """The wrappers of tenants' connections that are in memory; a lazy object is not to be woken by the question."""
    gc.collect()
    return [one for one in gc.get_objects() if issubclass(type(one), TenantConnection)]


def expect_freed(known: Sequence[Any]) -> None:
    """No wrapper outlived the thread that it belonged to."""
    left = [one for one in wrappers() if not any(one is other for other in known)]
    expect(not left, f"{len(left)} wrappers are kept in memory, of {[one.alias for one in left[:5]]}")


def expect_soon(condition: Callable[[], bool], message: str) -> None:
    """Wait for a condition that a server brings about in its own time."""
    deadline = monotonic() + PATIENCE
    while not condition():
        if monotonic() > deadline:
            raise CrossingError(message)
        sleep(0.05)
