"""An app that is the control of a journey: with it, the middleware knows no page for a database that is down."""

from __future__ import annotations

from django.apps import AppConfig

from multi_tenant.middleware import tenant
from multi_tenant.middleware.pages import BY_STATE


class WithoutPages(AppConfig):
    name = "tests.journeys.without_pages"
    path = "."

    def ready(self) -> None:
        vars(tenant)["REFUSALS"] = BY_STATE
