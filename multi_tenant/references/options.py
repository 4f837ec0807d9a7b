"""The options of a public model as a tenant's query may see them: the key alone can be named."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError


class JoinlessOptions:
    """Stands for a model's options at the end of a reference; gives the column that is pointed to, and no other.

    The tenant holds that column's value, so nothing has to be joined for it. Without an ordering of its own the
    reference sorts by key, not by columns of the public table.
    """

    ordering: tuple[str, ...] = ()

    def __init__(self, field: Any, options: Any) -> None:
        self._field = field
        self._options = options

    def __getattr__(self, name: str) -> Any:
        return getattr(self._options, name)

    def get_field(self, name: str) -> Any:
        """The column that is pointed to. Raises FieldError for others, FieldDoesNotExist for what may be a lookup."""
        found = self._options.get_field(name)
        if found not in self._field.foreign_related_fields:
            raise FieldError(self._field.refusal())
        return found
