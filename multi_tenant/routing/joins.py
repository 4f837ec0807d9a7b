"""Which relations a query may join: not those that lead to another database; set by the patches."""

from __future__ import annotations

import functools
from typing import Any

from django.core.exceptions import FieldError


def select_joinable(original: Any) -> Any:
    """A bare ``select_related()``, as the admin says it, passes such a relation by; naming it is an error."""

    @functools.wraps(original)
    def select_related_descend(field: Any, restricted: Any, requested: Any, select_mask: Any) -> bool:
        if getattr(field, "is_joinable", True):
            return bool(original(field, restricted, requested, select_mask))
        if restricted and field.name in requested:
            raise FieldError(field.refusal())
        return False

    return select_related_descend
