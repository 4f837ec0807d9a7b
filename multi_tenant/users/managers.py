"""How people are made and looked for, in public and in a tenant."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import UserManager
from django.db import models

from multi_tenant.exceptions import IdentityProtectedError
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.routing.homes import is_static


class GlobalUserQuerySet(models.QuerySet[Any]):
    """A queryset that writes no identity in bulk from within a tenant."""

    def update(self, **kwargs: Any) -> int:
        self.refuse_in_tenant(kwargs.keys() & set(self.model.IDENTITY_FIELDS))
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]  # Django reads this mark in templates

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        self.refuse_in_tenant(self.model.IDENTITY_FIELDS)
        return super().bulk_create(objs, *args, **kwargs)

    bulk_create.alters_data = True  # type: ignore[attr-defined]  # as above

    def refuse_in_tenant(self, fields: Any) -> None:
        """Raise IdentityProtectedError when identity fields are to be written in bulk in a tenant."""
        self._for_write = True
        if fields and self.db != PUBLIC and not is_static(self.db):
            raise IdentityProtectedError(
                f"{', '.join(sorted(fields))} of {self.model._meta.label} are not written in bulk from within a "
                "tenant: they belong to the persons. Save one object at a time, or write them in public_context()."
            )


class GlobalUserManager(UserManager.from_queryset(GlobalUserQuerySet)):  # type: ignore[misc]  # a class made by a call
    """The manager of AbstractGlobalUser."""

    use_in_migrations = False
