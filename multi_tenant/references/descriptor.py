"""The attribute of a `PublicForeignKey`: reads the public row, once for each object, and takes public rows alone."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor

from multi_tenant.exceptions import WrongTenantError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.router import check_at_home, location_of


class PublicReference(ForwardManyToOneDescriptor):  # type: ignore[type-arg]  # it takes none when it runs
    """Reads from the public database whatever is active, and prefetches for many objects by one query."""

    field: Any

    def __get__(self, instance: Any, cls: type[Model] | None = None) -> Any:
        row = super().__get__(instance, cls)
        if row is None and getattr(instance, self.field.attname) is not None:
            raise self.dangling(instance)  # prefetching finds nothing, and says nothing
        return row

    def __set__(self, instance: Model, value: Any) -> None:
        if value is not None:
            self.check_assigned(instance, value)
        key = None if value is None else getattr(value, self.field.target_field.attname)
        setattr(instance, self.field.attname, key)
        self.field.set_cached_value(instance, value)

    def get_queryset(self, *, instance: Any = None, **hints: Any) -> Any:
        rows = self.field.remote_field.model._base_manager.using(PUBLIC)
        if instance is None or not hasattr(instance._state, "fetch_mode"):  # Django 6.1 has it
            return rows
        return rows.fetch_mode(instance._state.fetch_mode)

    def get_object(self, instance: Model) -> Any:
        check_at_home(instance)
        rows = self.get_queryset(instance=instance)
        try:
            return rows.get(**{self.field.target_field.name: getattr(instance, self.field.attname)})
        except self.field.remote_field.model.DoesNotExist:
            raise self.dangling(instance) from None

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        if querysets and len(querysets) != 1:
            raise ValueError(f"{self.field} is prefetched by one queryset, and {len(querysets)} were given.")
        rows = on_public(querysets[0]) if querysets else self.get_queryset(instance=instances[0])
        keys = {getattr(instance, self.field.attname) for instance in instances}
        return (
            rows.filter(**{f"{self.field.target_field.name}__in": keys - {None}}).order_by(),
            self.field.get_foreign_related_value,
            self.field.get_local_related_value,
            True,  # one row for each object
            self.field.cache_name,
            False,  # kept in the object's cache, not by the descriptor
        )

    def check_assigned(self, instance: Model, value: Any) -> None:
        """Raise ValueError for what is no saved row of the model, WrongTenantError for what is not public."""
        model = self.field.remote_field.model
        if not isinstance(value, model._meta.concrete_model):
            label = model._meta.label
            raise ValueError(f"{value!r} cannot be assigned to {self.field}, which takes a {label}.")  # noqa: TRY004  # Django's
        if value._state.adding or getattr(value, self.field.target_field.attname) is None:
            raise ValueError(f"{value!r} is not in the public database. Save it before it is assigned to {self.field}.")
        alias = location_of(value)
        if alias != PUBLIC:
            raise WrongTenantError(
                f"This {model._meta.label} was loaded from {alias!r}, and {self.field} takes rows of the public "
                "database. Load it from there.",
                found=alias,
                expected=PUBLIC,
            )
        check_at_home(instance)

    def dangling(self, instance: Model) -> Exception:
        """What is raised where the public row is gone; it is the model's own DoesNotExist, too."""
        field, model = self.field, self.field.remote_field.model
        error: Exception = self.RelatedObjectDoesNotExist(
            f"{field} points to a {model._meta.label} of key {getattr(instance, field.attname)!r}, which is not in the "
            "public database. Other such rows are found by manage.py find_dangling_references."
        )
        return error


def on_public(rows: QuerySet[Any]) -> QuerySet[Any]:
    """A queryset that was given to prefetch from; one for which a database was named keeps it."""
    return rows if rows._db else rows.using(PUBLIC)  # type: ignore[attr-defined]  # not in the stubs
