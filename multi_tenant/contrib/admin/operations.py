"""What can be done to a tenant from its page: each one a question, a call of the lifecycle, and an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from multi_tenant.exceptions import MultiTenantError, ProvisioningError
from multi_tenant.fleet.migrate import Migration, migrate_each
from multi_tenant.fleet.selection import WHOLE, named
from multi_tenant.lifecycle import create_tenant, resume, suspend
from multi_tenant.lifecycle.reservation import UNFINISHED
from multi_tenant.registry.models import TenantState

#: What a call of the lifecycle may raise that tells of the world and not of a bug.
FAILURES = (MultiTenantError, DatabaseError, InterfaceError, OSError)


@dataclass(frozen=True)
class Operation:
    """Something that is done to a tenant in one of some ``states``; ``run`` takes its alias and answers what it did."""

    name: str
    label: Any
    question: Any
    states: frozenset[str]
    run: Callable[[str], str]

    def suits(self, tenant: Any) -> bool:
        """Whether the tenant is in a state for it."""
        return tenant.state in self.states


def do_suspend(alias: str) -> str:
    """Take it out of service."""
    suspend(alias)
    return _("Suspended.")


def do_resume(alias: str) -> str:
    """Serve it again."""
    resume(alias)
    return _("Resumed.")


def do_migrate(alias: str) -> str:
    """Apply the migrations that it lacks. Raises ProvisioningError where one fails."""
    [result] = migrate_each(named([alias]))
    if result.error is not None:
        raise ProvisioningError(
            _("Tenant %(alias)s could not be migrated: %(reason)s. See to that and try again.")
            % {"alias": repr(alias), "reason": result.reason.removesuffix(".")},
            step="migrate",
        )
    if result.migration is Migration.CURRENT:
        return _("No migrations were missing.")
    return _("Migrated: %(applied)s.") % {"applied": ", ".join(result.applied)}


def do_finish(alias: str) -> str:
    """Make what is missing of it."""
    create_tenant(alias)
    return _("Finished; it is active.")


OPERATIONS = (
    Operation(
        "suspend",
        gettext_lazy("Suspend"),
        gettext_lazy("Its visitors will be told that it is not available, within a few seconds. This can be undone."),
        frozenset({TenantState.ACTIVE}),
        do_suspend,
    ),
    Operation(
        "resume",
        gettext_lazy("Resume"),
        gettext_lazy("It will be served again, if its database has all migrations."),
        frozenset({TenantState.SUSPENDED}),
        do_resume,
    ),
    Operation(
        "migrate",
        gettext_lazy("Migrate"),
        gettext_lazy("Its database gets the migrations that it lacks. This page waits until they are done."),
        frozenset(map(TenantState, WHOLE)),
        do_migrate,
    ),
    Operation(
        "finish",
        gettext_lazy("Finish"),
        gettext_lazy("It was left half-made. What is missing of it is made now."),
        UNFINISHED,
        do_finish,
    ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
