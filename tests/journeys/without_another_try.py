"""An app that is the control of a journey: with it, a login that is refused is not looked up again."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from multi_tenant.routing.wrapper import TenantConnection


class WithoutAnotherTry(AppConfig):
    name = "tests.journeys.without_another_try"
    path = "."

    def ready(self) -> None:
        connection: Any = TenantConnection
        connection._take_new_entry = lambda self: False
