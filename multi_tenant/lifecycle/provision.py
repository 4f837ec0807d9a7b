"""Making a tenant: a row is reserved, the steps are carried out and recorded, and undone where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import DatabaseError, InterfaceError

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import DatabaseExistsError, MultiTenantError, ProvisioningError
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.logins import drop_logins
from multi_tenant.lifecycle.placement import engine_for, hidden, place
from multi_tenant.lifecycle.reservation import (
    RESERVED,
    hosts_of,
    is_reserved,
    refuse_moved,
    refuse_shared_location,
    reserve,
    tenant_to_make,
)
from multi_tenant.lifecycle.steps import (
    ACTIVE,
    SCHEMA,
    Attempt,
    activate,
    admit,
    create_database,
    is_untouched,
    make_schema,
    mark,
    record,
)
from multi_tenant.registry.aliases import PUBLIC, validate_alias
from multi_tenant.registry.models import AbstractTenant, DatabaseServer, TenantState
from multi_tenant.routing.owner import retire
from multi_tenant.signals import tenant_provisioned

Step = tuple[str, Callable[[Attempt], None]]
#: What comes after the reservation, in order, with the names that rows record.
STEPS: tuple[Step, ...] = (
    ("database", create_database),
    ("login", admit),
    (SCHEMA, make_schema),
    ("marker", mark),
    (ACTIVE, activate),
)


def create_tenant(
    alias: str,
    *,
    name: str = "",
    domains: Iterable[str] = (),
    server: DatabaseServer | str | None = None,
    entry: Mapping[str, Any] | None = None,
) -> AbstractTenant:
    """Make a tenant with a database of its own, ready to be served; one left half-made is finished.

    The database is made on ``server``, or on the server of ``entry``, or beside the public one. If it fails nothing is
    left of it, unless an earlier attempt was killed: then the row stays as failed and can be tried again. Receivers of
    ``tenant_provisioned`` run after it. Raises InvalidAliasError, InvalidHostError, InvalidEntryError,
    ProvisioningError (also inside a transaction) and TenantConnectionError.
    """
    validate_alias(alias)
    entry = hidden(entry)
    with turn_of(alias, step=RESERVED) as public:
        tenant = tenant_to_make(alias)
        hosts = hosts_of(domains, tenant)
        tenant.name = name or tenant.name
        resumed = is_reserved(tenant)
        if not resumed or entry is not None or server is not None:
            settle(tenant, server=server, entry=entry)
        attempt = Attempt(tenant, engine_for(tenant, at_hand=public), resumed=resumed)
        with attempt.engine.held():
            if not resumed and attempt.engine.exists(attempt.name):
                raise DatabaseExistsError(step=RESERVED)
            carry_out(attempt, hosts)
    announce(tenant)
    return tenant


def settle(tenant: AbstractTenant, *, server: DatabaseServer | str | None, entry: Mapping[str, Any] | None) -> None:
    """Place a new tenant, or give a half-made one another login."""
    begun = tenant.location if is_reserved(tenant) else None
    if begun is not None and tenant.adopted:
        raise ProvisioningError(
            f"The database of {tenant.alias!r} is being adopted. Finish that with adopt_tenant.", step=RESERVED
        )
    place(tenant, server=server, entry=entry)
    tenant.adopted = False
    refuse_moved(tenant, begun=begun)
    refuse_shared_location(tenant)


def carry_out(attempt: Attempt, hosts: list[str]) -> None:
    """Reserve the row and do the steps that are left, from the one that was recorded last."""
    tenant = attempt.tenant
    known = not tenant._state.adding
    reserve(tenant, hosts, step=attempt.reserved)
    try:
        for step, do in remaining(tenant.step):
            run(attempt, step, do)
    except Exception as exc:
        # Whatever went wrong, it is undone or recorded, and then raised.
        retire(tenant.alias)
        if attempt.resumed:
            record(tenant, step=tenant.step, state=TenantState.FAILED, error=described(exc))
        else:
            undo(attempt, exc, keep_row=known)
        raise


def remaining(done: str) -> tuple[Step, ...]:
    """The steps after the one that was recorded last; a tenant that is not active has the last one to do at least."""
    names = [name for name, _ in STEPS]
    return (STEPS[names.index(done) + 1 :] or STEPS[-1:]) if done in names else STEPS


def run(attempt: Attempt, step: str, do: Callable[[Attempt], None]) -> None:
    """Do a step and record it. An error of the server or the system becomes a ProvisioningError that names the step."""
    try:
        do(attempt)
    except MultiTenantError:
        raise
    except (DatabaseError, InterfaceError, OSError) as exc:
        raise ProvisioningError(
            f"Tenant {attempt.tenant.alias!r} could not be made: the step {step!r} failed ({type(exc).__name__}). See "
            "the cause, and try again.",
            step=step,
        ) from exc
    if attempt.cloned:
        # Killed from here on, all is done again, which for a clone is quicker than to write down what was done.
        attempt.tenant.step = step
    elif step != ACTIVE:
        record(attempt.tenant, step=step)


def undo(attempt: Attempt, exc: Exception, *, keep_row: bool) -> None:
    """Leave nothing of a first attempt; a row that was there before, or whose database cannot be dropped, is failed."""
    tenant = attempt.tenant
    try:
        if attempt.begun or attempt.admitted:
            # First, so that an undoing that is killed can be taken up, and nothing is served meanwhile.
            record(tenant, step=attempt.reserved, state=TenantState.PROVISIONING)
            attempt.engine = engine_for(tenant)  # another connection: the first may be what is lost
            drop_begun(attempt)
    except (MultiTenantError, DatabaseError, InterfaceError, OSError):
        record(tenant, step=tenant.step, state=TenantState.FAILED, error=described(exc))
        return
    if keep_row:
        tenant.database, tenant.adopted = None, False
        tenant.state, tenant.step, tenant.error = TenantState.FAILED, "", described(exc)
        tenant.save(using=PUBLIC)
    else:
        tenant.delete(using=PUBLIC)


def drop_begun(attempt: Attempt) -> None:
    """Drop the login and the database that an attempt made, or may have made when the answer to it was lost."""
    if attempt.admitted:
        drop_logins(attempt.engine, attempt.tenant)
    if not attempt.begun:
        return
    if attempt.made or (attempt.engine.exists(attempt.name) and is_untouched(attempt.tenant)):
        attempt.engine.drop(attempt.name)


def described(exc: Exception) -> str:
    """An error for the registry: ours say nothing secret, others' texts may hold data."""
    return str(exc) if isinstance(exc, MultiTenantError) else type(exc).__name__


def announce(tenant: AbstractTenant) -> None:
    """Tell the receivers, inside the new tenant."""
    with tenant_context(tenant, switch=True):
        tenant_provisioned.send(sender=type(tenant), tenant=tenant)
