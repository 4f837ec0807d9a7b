"""The tenants of a test session, made once each and dropped at its end; kept by the pytest plugin."""

from __future__ import annotations

import copy
import hashlib
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connections
from django.test import override_settings

from multi_tenant.conf import conf
from multi_tenant.context import public_context
from multi_tenant.lifecycle.building import migrate
from multi_tenant.lifecycle.fingerprint import fingerprint
from multi_tenant.lifecycle.placement import public_engine, tenant_model
from multi_tenant.lifecycle.provision import create_tenant
from multi_tenant.lifecycle.template import clone_template
from multi_tenant.registry.aliases import PUBLIC, TEMPLATE
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import AbstractTenant, TenantState
from multi_tenant.routing.marker import write_marker
from multi_tenant.routing.owner import inside_record
from multi_tenant.routing.wrapper import tenant_connection

#: What the aliases of the session's own tenants begin with.
PREFIX = "test-"


class SessionTenants:
    """The tenants that the tests of one process share: their databases last, their rows belong to one test each.

    So a test's registry holds the tenants that it asked for, and no others. The databases have names, and on SQLite a
    directory, of their own: no test touches a tenant of the project's, and workers of xdist do not touch each other's.
    What a test changes in them is rolled back or flushed by the test kit.
    """

    def __init__(self, *, directory: Path, worker: str) -> None:
        self.directory = directory
        self.worker = worker
        self.spares: list[Spare] = []
        self.lent = 0

    def open(self) -> None:
        """Begin the session: from now on databases of tenants are made under the session's names."""
        given = dict(conf.given)
        names = {"DATABASE_PREFIX": prefix_for(self.worker), "SQLITE_DIR": self.directory}
        # Tests flush, and migrate, with the login that owns the databases.
        self._settings = override_settings(MULTI_TENANT={**given, **names, "TENANT_LOGINS": False})
        self._settings.enable()
        self._clear()  # a session that was killed left its databases

    def close(self) -> None:
        """End the session: drop all that it made."""
        try:
            self._clear()
        finally:
            self._settings.disable()

    def make(self, name: str) -> AbstractTenant:
        """Make a tenant as the project would, with what receivers of ``tenant_provisioned`` add to its database."""
        tenant = create_tenant(f"{PREFIX}{name}", name=name)
        connections.retire(tenant.alias)  # type: ignore[attr-defined]  # the handler's own
        with public_context():
            tenant_model()._base_manager.using(PUBLIC).filter(pk=tenant.pk).delete()
        return tenant

    def give(self, made: AbstractTenant) -> AbstractTenant:
        """A tenant that was made, with a row for this test."""
        tenant = copy.deepcopy(made)
        tenant._state.adding, tenant._state.db = True, None
        with public_context():
            tenant.save(using=PUBLIC, force_insert=True)
        return tenant

    def lend(self, alias: str = "", **fields: Any) -> AbstractTenant:
        """A further tenant, for one test: its row ends with the test, its database is used again by others."""
        if self.lent == len(self.spares):
            self.spares.append(Spare())
        spare = self.spares[self.lent]
        self.lent += 1
        tenant: AbstractTenant = tenant_model()(
            **{
                "uuid": spare.uuid,
                "alias": alias or f"{PREFIX}{self.lent}",
                "database": {"NAME": spare.name},
                "state": TenantState.ACTIVE,
                "fingerprint": spare.fingerprint,
                **fields,
            }
        )
        with public_context():
            tenant.save(using=PUBLIC, force_insert=True)
        return tenant

    def take_back(self) -> None:
        """All that was lent may be lent again: the test is over."""
        self.lent = 0

    def _clear(self) -> None:
        with public_context():
            engine = public_engine(TEMPLATE)
            for name in engine.names(conf.DATABASE_PREFIX):
                engine.drop(name)


class Spare:
    """A database that is lent to one test after the other, marked with the key that its tenants have."""

    def __init__(self) -> None:
        self.uuid = uuid4()
        engine = public_engine(TEMPLATE)
        self.name = engine.name_for("spare", self.uuid)
        # No tenant's yet: the guard would ask for it to be active.
        record = TenantRecord("spare", None, "", TenantState.PROVISIONING, engine.entry_for(self.name), marked=False)
        if engine.has_templates:
            clone_template(engine, self.name)
        else:
            engine.create(self.name)
            with inside_record(record):
                migrate()
        self.fingerprint = fingerprint()
        # Not one of `connections`: a test would enrol it, and roll the marker back.
        with closing(tenant_connection(record)) as connection:
            write_marker(connection, self.uuid)


def prefix_for(worker: str) -> str:
    """What names of databases begin with: short, and another for each worker and each public database."""
    public = str(connections[PUBLIC].settings_dict["NAME"])
    return f"test_{worker}_{hashlib.sha256(public.encode()).hexdigest()[:8]}_"
