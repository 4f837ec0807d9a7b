"""The steps that make a tenant of a reserved row, each of which can be run again; carried out by provisioning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.db import connections
from django.db.migrations.loader import MigrationLoader

from multi_tenant.conf import conf
from multi_tenant.context import record_context
from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import DatabaseExistsError, ProvisioningError, TenantConnectionError
from multi_tenant.lifecycle.building import begin_anew, inside, migrate
from multi_tenant.lifecycle.fingerprint import fingerprint_by, missing_in
from multi_tenant.lifecycle.logins import former_logins, fresh_login, gets_login, login_of, make_login
from multi_tenant.lifecycle.marks import refuse_marked
from multi_tenant.lifecycle.reservation import RESERVED
from multi_tenant.lifecycle.template import clone_template
from multi_tenant.registry.aliases import DEFAULT, PUBLIC
from multi_tenant.registry.entry import Entry
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import AbstractTenant, Placement, TenantState
from multi_tenant.routing.marker import TABLE, insert_marker, write_marker

SCHEMA = "schema"
ACTIVE = "active"


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
        if attempt.cloned:  # the template brought the table, and nothing in it
            insert_marker(connection, attempt.tenant.pk)
            return
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


def record(tenant: AbstractTenant, *, step: str, state: str | None = None, error: str = "") -> None:
    """Note in the registry how far a tenant has come."""
    tenant.step = step
    tenant.state = state or tenant.state
    tenant.error = error
    tenant.save(using=PUBLIC, update_fields=["step", "state", "error", "fingerprint", "updated_at"])


def is_untouched(tenant: AbstractTenant) -> bool:
    """Whether a killed attempt may have made the database that is there: its name is ours alone, or it is empty."""
    if tenant.placement != Placement.OWN:
        return True
    with inside(tenant) as connection:
        return not connection.introspection.table_names()
