"""Template tags that tell where a page is rendered."""

from __future__ import annotations

from django import template

from multi_tenant import current_alias
from tests.testapp.billing.models import Plan

register = template.Library()


@register.simple_tag
def where() -> str | None:
    return current_alias()


@register.simple_tag
def plans() -> int:
    return Plan.objects.count()
