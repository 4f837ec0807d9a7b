"""The wiring board: every side effect of installing multi_tenant, and never a query."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from multi_tenant.context import PUBLIC_PLACE, UNDECIDED_PLACE, active_place
from multi_tenant.routing import forks, patches


class MultiTenantConfig(AppConfig):
    """Puts the handler in place before any models are imported, and makes the thread of ``django.setup()`` public."""

    name = "multi_tenant"
    verbose_name = _("Tenants")
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Django's classes are changed now, since models and decorators of the apps to come use them.
        patches.install()

        # A process that forks, as servers and pools of workers do, keeps its connections to itself.
        forks.install()

    def ready(self) -> None:
        # Commands, scripts and shells run here, and they are public unless they say otherwise. Tests that change
        # INSTALLED_APPS come here again, wherever they are, and stay there.
        if active_place.get() == UNDECIDED_PLACE:
            active_place.set(PUBLIC_PLACE)
        from multi_tenant.checks import register_checks
        from multi_tenant.lifecycle.fingerprint import update_on_migrate
        from multi_tenant.references.deletion import look_before
        from multi_tenant.routing.deletion import deleting

        # Caches of installed apps, which only now can be imported, are divided by place.
        patches.install_late()

        # `manage.py check`, and each command that runs the checks first, refuses settings that cannot work.
        register_checks()

        # Sent once for each app; as of this one, it is heard once for each `migrate`.
        post_migrate.connect(update_on_migrate, sender=self, dispatch_uid="multi_tenant.lifecycle.fingerprint")

        # Public rows are deleted with regard to the references that tenants hold.
        deleting.connect(look_before, dispatch_uid="multi_tenant.references.deletion")
