"""What Django imports late is imported before a tenant is entered, to which its querysets would belong."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest
from django.template.loader import render_to_string

from multi_tenant.context import tenant_context
from multi_tenant.middleware import TenantMiddleware, tenant
from multi_tenant.models import Tenant
from tests.promises.control import Without, guarded_by

LATE = "tests.middleware.late"


@guarded_by(Without(tenant, "import_tags"))
@pytest.mark.parametrize(
    "options", [{"libraries": {"late": LATE}}, {"context_processors": [f"{LATE}.processor"]}], ids=str
)
def test_tags_and_context_processors_are_imported_on_the_public_site(
    options: dict[str, Any], acme: Tenant, settings: Any, rf: Any
) -> None:
    sys.modules.pop(LATE, None)
    [templates] = settings.TEMPLATES
    settings.TEMPLATES = [{**templates, "OPTIONS": options}]
    TenantMiddleware(lambda request: None)  # no request comes
    with tenant_context(acme):
        render_to_string("multi_tenant/404.html", request=rf.get("/"))
    assert import_module(LATE).IMPORTED_IN == "public"
