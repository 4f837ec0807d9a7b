"""A library of template tags and a context processor, which note where they are imported."""

from __future__ import annotations

from django.http import HttpRequest
from django.template import Library

from multi_tenant.context import current_alias

register = Library()
IMPORTED_IN = current_alias()


def processor(request: HttpRequest) -> dict[str, str]:
    return {}
