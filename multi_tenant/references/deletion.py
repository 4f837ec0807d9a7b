"""What becomes of tenants' references when public rows are deleted; asked by the routing before each deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model, ProtectedError, QuerySet, RestrictedError
from django.db.models.deletion import CASCADE, DO_NOTHING, PROTECT, Collector

from multi_tenant.fleet.run import Outcome, run_in_each
from multi_tenant.fleet.selection import WHOLE, FleetTenant, in_states
from multi_tenant.references.errors import ReferencedError, ReferencesLeftError, ReferencesUnknownError
from multi_tenant.references.field import PublicForeignKey
from multi_tenant.registry.aliases import DEFAULT, PUBLIC

#: How many keys one statement names.
BATCH = 500


@dataclass(frozen=True)
class Reference:
    """A field of tenants' models and the keys, of rows about to be deleted, that it may hold."""

    field: Any
    keys: tuple[Any, ...]

    @property
    def policy(self) -> Any:
        """What to do with the rows that hold one."""
        return self.field.remote_field.on_delete

    def rows(self) -> Iterator[QuerySet[Any]]:
        """The rows of the active tenant that hold one, some keys at a time."""
        for start in range(0, len(self.keys), BATCH):
            keys = self.keys[start : start + BATCH]
            yield self.field.model._base_manager.filter(**{f"{self.field.name}__in": keys})


def look_before(sender: Any, *, collector: Collector, **kwargs: Any) -> Callable[[], None] | None:
    """Look into each tenant before public rows go, and answer what is to be done there once they are gone.

    Raises ReferencedError where rows are protected, ReferencesUnknownError where a tenant cannot be asked. Nothing has
    been changed then.
    """
    references = references_to(collector) if collector.using == PUBLIC else ()
    if not references:
        return None
    survey(references)
    acting = [reference for reference in references if reference.policy is not PROTECT]
    return partial(carry_out, acting) if acting else None


def references_to(collector: Collector) -> Sequence[Reference]:
    """What may point to the rows that a collector deletes, unless nothing is to be done about it."""
    found: dict[Any, set[Any]] = {}
    for model, instances in collector.data.items():
        for field in fields_to(model):
            attname = field.target_field.attname
            found.setdefault(field, set()).update(getattr(each, attname) for each in instances)
    for rows in collector.fast_deletes:  # rows that nobody has loaded
        for field in fields_to(rows.model):
            keys = rows.using(PUBLIC).order_by().values_list(field.target_field.name, flat=True)
            found.setdefault(field, set()).update(keys)
    return [Reference(field, tuple(keys - {None})) for field, keys in found.items() if keys - {None}]


def fields_to(model: type[Model]) -> Iterator[Any]:
    """The references of tenants' models to a model, those that nothing is done about left out."""
    for relation in model._meta.get_fields(include_parents=False, include_hidden=True):
        field = getattr(relation, "field", None)
        if relation.auto_created and isinstance(field, PublicForeignKey) and field.remote_field.on_delete != DO_NOTHING:
            yield field


def survey(references: Sequence[Reference]) -> None:
    """Ask each tenant whether anything stands against it. Raises ReferencedError and ReferencesUnknownError."""
    protected: list[str] = []
    failed: list[Outcome[Any]] = []
    for outcome in run_in_each(in_states(WHOLE), partial(look_into, references), any_state=True):
        if isinstance(outcome.error, (ProtectedError, RestrictedError)):
            protected.append(outcome.alias)
        elif outcome.error is not None:
            failed.append(outcome)
    fields = ", ".join(str(reference.field) for reference in references)
    if protected:
        raise ReferencedError(
            f"Nothing was deleted, because {fields} point to it and are protected in {names_of(protected)}. Let those "
            "rows point elsewhere first.",
            aliases=protected,
        )
    if failed:
        raise ReferencesUnknownError(
            f"Nothing was deleted, because not every tenant could be asked whether {fields} point to it: "
            f"{reasons_of(failed)} Try again when these tenants can be reached.",
            aliases=[outcome.alias for outcome in failed],
        )


def look_into(references: Sequence[Reference], tenant: FleetTenant) -> None:
    """Raise ProtectedError or RestrictedError for rows of the active tenant that may not lose what they point to."""
    with transaction.atomic():  # in a block of the caller's, a tenant that cannot answer breaks this one alone
        for reference in references:
            for rows in reference.rows():
                # Asked for each policy: it shows that the tenant can be reached and has the table.
                if rows.exists():
                    refuse_protected(reference, rows)


def refuse_protected(reference: Reference, rows: QuerySet[Any]) -> None:
    """Raise ProtectedError or RestrictedError unless rows that are there may lose what they point to."""
    if reference.policy is PROTECT:
        raise ProtectedError(str(reference.field), set())
    if reference.policy is CASCADE:
        Collector(using=DEFAULT, origin=rows).collect(rows)


def carry_out(references: Sequence[Reference]) -> None:
    """Do in each tenant what the policies say, after the public rows have gone. Raises ReferencesLeftError."""
    outcomes = run_in_each(in_states(WHOLE), partial(let_go, references), any_state=True)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        raise ReferencesLeftError(
            "The public rows were deleted, but not every tenant could be told: "
            f"{reasons_of(failed)} Find what still points to them with manage.py find_dangling_references.",
            aliases=[outcome.alias for outcome in failed],
        )


def let_go(references: Sequence[Reference], tenant: FleetTenant) -> None:
    """Delete or empty the references of the active tenant, all or none."""
    with transaction.atomic():
        for reference in references:
            for rows in reference.rows():
                if reference.policy is CASCADE:
                    rows.delete()
                else:
                    rows.update(**{reference.field.name: None})


def names_of(aliases: Sequence[str]) -> str:
    """Tenants in a message."""
    return ", ".join(repr(alias) for alias in aliases)


def reasons_of(failed: Sequence[Outcome[Any]]) -> str:
    """Why tenants failed, in a message."""
    return " ".join(f"{outcome.alias!r}: {outcome.reason.rstrip('.')}." for outcome in failed)
