"""What a tenant's row says of its life is written by those who change it, and not by whoever holds an older copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from django.db import models

#: The attributes that the lifecycle writes: how far the tenant is, and where its database is, with the login.
LIFE = frozenset(
    {
        "state",
        "step",
        "error",
        "fingerprint",
        "deleted_at",
        "placement",
        "server_id",
        "database",
        "location",
        "adopted",
    }
)


class LifeKept(models.Model):
    """A row whose ``save()`` leaves the columns of LIFE alone unless they were changed here.

    A copy that was read before a suspension, a deletion, a purge or a rotated login would otherwise undo it. Django
    raises DatabaseError where the row is gone.
    """

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        row = super().from_db(*args, **kwargs)
        row.note_life(LIFE)
        return row

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        self.note_life(self.life_among(fields))

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        super().save_base(*args, **kwargs)
        self.note_life(self.life_among(kwargs.get("update_fields")))

    save_base.alters_data = True  # type: ignore[attr-defined]  # Django reads this mark in templates

    def life_among(self, fields: Iterable[str] | None) -> frozenset[str]:
        """The attributes of LIFE that these fields have, which may be given by attribute too; None stands for all."""
        given = None if fields is None else set(fields)
        found = (each for each in self._meta.concrete_fields if given is None or given & {each.name, each.attname})
        return LIFE.intersection(field.attname for field in found)

    def note_life(self, names: frozenset[str]) -> None:
        """Remember what the row says of its life, as it is in the database now."""
        known = self.__dict__.setdefault("_life", {})
        known.update({name: self.__dict__[name] for name in names if name in self.__dict__})

    def fields_to_save(self) -> frozenset[str]:
        """All fields but those of LIFE that are as they were read."""
        known = self.__dict__.get("_life", {})
        unchanged = {name for name in known if self.__dict__.get(name) == known[name]}
        fields = (field for field in self._meta.concrete_fields if not (field.primary_key or field.generated))
        return frozenset(field.name for field in fields if field.attname not in unchanged)
