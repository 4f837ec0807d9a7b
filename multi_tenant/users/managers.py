"""How people are made and looked for, in public and in a tenant."""

from __future__ import annotations

from collections import Counter
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import UserManager
from django.db import models
from django.db.models.query import ModelIterable

from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import is_static
from multi_tenant.users.identity import identity_columns, identity_model
from multi_tenant.users.known import forget
from multi_tenant.users.removal import remove_row


class GlobalUserQuerySet(models.QuerySet[Any]):
    """A queryset that writes no identity in bulk from within a tenant."""

    def update(self, **kwargs: Any) -> int:
        protected = {*self.model.IDENTITY_FIELDS, *identity_columns(self.model), *key_names(self.model)}
        self.refuse_in_tenant(kwargs.keys() & protected)
        if not self.in_tenant():
            forget()
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]  # Django reads this mark in templates

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        self.refuse_in_tenant(self.model.IDENTITY_FIELDS)
        return super().bulk_create(objs, *args, **kwargs)

    bulk_create.alters_data = True  # type: ignore[attr-defined]  # as above

    def delete(self) -> tuple[int, dict[str, int]]:
        query: Any = self.query
        if self._iterable_class is not ModelIterable or query.is_sliced or query.distinct_fields or query.combinator:
            return super().delete()  # which refuses them
        self._for_write = True
        if not self.in_tenant():
            return super().delete()
        counts: Counter[str] = Counter()
        for member in self.all():
            counts.update(remove_row(member)[1])
        self._result_cache = None
        return counts.total(), dict(counts)

    delete.alters_data = True  # type: ignore[attr-defined]  # as above
    delete.queryset_only = True  # type: ignore[attr-defined]  # no method of managers

    def _raw_delete(self, using: str | None) -> int:
        self.refuse_in_tenant(self.model.IDENTITY_FIELDS)
        return super()._raw_delete(using)

    def in_tenant(self) -> bool:
        """Whether the rows are a tenant's."""
        return self.db != PUBLIC and not is_static(self.db)

    def refuse_in_tenant(self, fields: Any) -> None:
        """Raise IdentityProtectedError when identity fields are to be written in bulk in a tenant."""
        self._for_write = True
        if fields and self.in_tenant():
            raise IdentityProtectedError(
                f"{', '.join(sorted(fields))} of {self.model._meta.label} are not written in bulk from within a "
                "tenant: they belong to the persons. Save one object at a time, or write them in public_context()."
            )


def key_names(model: Any) -> set[str]:
    """What the key is called, which leads from a member to its identity."""
    keys = (model._meta.pk, identity_model(model)._meta.pk)
    return {"pk", *(key.name for key in keys), *(key.attname for key in keys)}


class GlobalUserManager(UserManager.from_queryset(GlobalUserQuerySet)):  # type: ignore[misc]  # a class made by a call
    """The manager of AbstractGlobalUser."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> Any:
        """The user of that name; in a tenant, whose copies of names may be stale, the row of whoever has it now."""
        key = None
        if self.db != PUBLIC and not is_static(self.db):
            rows: models.QuerySet[Any] = models.QuerySet(identity_model(self.model))
            named = rows.using(PUBLIC).filter(**{self.model.USERNAME_FIELD: username})
            key = named.values_list("pk", flat=True).first()
        found = None if key is None else self.filter(pk=key).first()
        return super().get_by_natural_key(username) if found is None else found

    async def aget_by_natural_key(self, username: str | None) -> Any:
        return await sync_to_async(self.get_by_natural_key)(username)


class MembershipQuerySet(models.QuerySet[Any]):
    """A queryset that tells this process of what it changes in bulk."""

    def update(self, **kwargs: Any) -> int:
        forget()
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]  # as above
