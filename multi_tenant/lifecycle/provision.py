"""Making a tenant: the steps from a reserved row to a served database, each of which can be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from django.db.migrations.loader import MigrationLoader

from multi_tenant.conf import conf
from multi_tenant.context import record_context, tenant_context
from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import DatabaseExistsError, MultiTenantError, ProvisioningError, TenantConnectionError
from multi_tenant.lifecycle.building import begin_anew, inside, migrate
from multi_tenant.lifecycle.fingerprint import fingerprint_by, missing_in
from multi_tenant.lifecycle.lock import turn_of
from multi_tenant.lifecycle.logins import drop_logins, former_logins, fresh_login, gets_login, login_of, make_login
from multi_tenant.lifecycle.marks import refuse_marked
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
from multi_tenant.lifecycle.template import clone_template
from multi_tenant.registry.aliases import DEFAULT, PUBLIC, validate_alias
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import AbstractTenant, DatabaseServer, Placement, TenantState
from multi_tenant.routing.marker import TABLE, write_marker
from multi_tenant.routing.owner import retire
from multi_tenant.signals import tenant_provisioned


@dataclass
class Attempt:
    """One run through the steps. ``resumed`` says that an earlier one settled where the database is, and was killed.

    ``reserved`` is the step that the row begins with. ``begun``, ``made`` and ``admitted`` tell what has to be undone:
    that a database was asked for, that it was seen to be made, and that a login was asked for. ``cloned`` is the
    fingerprint of a clone, in which nothing has to be looked for.
    """

    tenant: AbstractTenant
    engine: Engine
    resumed: bool
    reserved: str = RESERVED
    begun: bool = False
    made: bool = False
    admitted: bool = False
    cloned: str = ""

    @property
    def name(self) -> str:
        """The physical name of the database."""
        return str(self.tenant.entry()["NAME"])


Step = tuple[str, Callable[[Attempt], None]]


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
    """Reserve the row and do the steps that are left; each is recorded when it is done."""
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
    if step != ACTIVE and not (step == SCHEMA and attempt.cloned):  # what is as good as done is not worth a write
        record(attempt.tenant, step=step)


def create_database(attempt: Attempt) -> None:
    """Clone the template, or make an empty database where there is none, or the server is the tenant's own."""
    attempt.begun = True
    try:
        templated = conf.TEMPLATES and attempt.engine.has_templates
        if templated and attempt.tenant.placement != Placement.OWN:
            attempt.cloned = clone_template(attempt.engine, attempt.name)
        else:
            attempt.engine.create(attempt.name, private=bool(login_of(attempt.tenant)))
        attempt.made = True
    except DatabaseExistsError:
        # There was none when the row was reserved: either a killed attempt made it, or somebody else since.
        attempt.begun = False
        if not attempt.resumed or not is_untouched(attempt.tenant):
            raise


def admit(attempt: Attempt) -> None:
    """Make the login that the tenant is served with; the row has its name and password before the server knows it."""
    tenant, engine = attempt.tenant, attempt.engine
    if gets_login(engine, tenant) and not login_of(tenant):
        tenant.database = Entry({**tenant.database, **fresh_login(engine, tenant)})
        tenant.save(using=PUBLIC, update_fields=["database", "updated_at"])
    attempt.admitted = bool(login_of(tenant))
    try:
        make_login(engine, tenant)
    except ProvisioningError:
        attempt.admitted = False  # who may make none has none to drop, and may not
        raise
    if attempt.resumed:
        for login in former_logins(engine, tenant):
            engine.drop_login(login)


def make_schema(attempt: Attempt) -> None:
    """Migrate unless the clone has it all; the marker's table says that an earlier migration ran to its end."""
    if attempt.cloned:
        attempt.tenant.fingerprint = attempt.cloned
        return
    if attempt.resumed and not attempt.tenant.adopted:
        begin_anew(attempt.tenant, attempt.engine)
    open_rows = partial(attempt.engine.open_rows, attempt.name) if login_of(attempt.tenant) else None
    with inside(attempt.tenant) as connection:
        whole = TABLE in connection.introspection.table_names()
        loader = MigrationLoader(connection)  # reads every migration's file, and so is made once
        if not whole or missing_in(loader):
            migrate(open_rows=open_rows)
            loader = MigrationLoader(connection)
        elif open_rows is not None:
            open_rows()
        attempt.tenant.fingerprint = fingerprint_by(loader)


def mark(attempt: Attempt) -> None:
    """Write into the database whose it is."""
    with inside(attempt.tenant) as connection:
        if not attempt.cloned:
            refuse_marked(attempt.tenant, connection)
        write_marker(connection, attempt.tenant.pk)


def activate(attempt: Attempt) -> None:
    """See that what the tenant is served with leads to its database; from now on it is served."""
    tenant = attempt.tenant
    served = TenantRecord(tenant.alias, tenant.pk, tenant.name, TenantState.PROVISIONING, tenant.entry())
    try:
        # This connection is kept, as is any that is made in a tenant.
        with record_context(served):
            connections[DEFAULT].ensure_connection()
    except TenantConnectionError as exc:
        if not login_of(tenant):
            raise
        raise ProvisioningError(
            f"The login that was made for {tenant.alias!r} cannot be used: {exc.reason}. Let the server admit it by "
            'its password (pg_hba.conf says how on PostgreSQL), or set MULTI_TENANT["TENANT_LOGINS"] to False.',
            step="login",
        ) from exc
    record(tenant, step=ACTIVE, state=TenantState.ACTIVE)


SCHEMA = "schema"
ACTIVE = "active"
#: What comes after the reservation, in order, with the names that rows record.
STEPS: tuple[Step, ...] = (
    ("database", create_database),
    ("login", admit),
    (SCHEMA, make_schema),
    ("marker", mark),
    (ACTIVE, activate),
)


def record(tenant: AbstractTenant, *, step: str, state: str | None = None, error: str = "") -> None:
    """Note in the registry how far a tenant has come."""
    tenant.step = step
    tenant.state = state or tenant.state
    tenant.error = error
    tenant.save(using=PUBLIC, update_fields=["step", "state", "error", "fingerprint", "updated_at"])


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


def is_untouched(tenant: AbstractTenant) -> bool:
    """Whether a killed attempt may have made the database that is there: its name is ours alone, or it is empty."""
    if tenant.placement != Placement.OWN:
        return True
    with inside(tenant) as connection:
        return not connection.introspection.table_names()


def announce(tenant: AbstractTenant) -> None:
    """Tell the receivers, inside the new tenant."""
    with tenant_context(tenant, switch=True):
        tenant_provisioned.send(sender=type(tenant), tenant=tenant)
