"""Where a tenant's database goes, and the engine that makes it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import connections

from multi_tenant.conf import conf
from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.exceptions import InvalidEntryError, ProvisioningError
from multi_tenant.lifecycle.logins import fresh_login, gets_login
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import Entry, complete_on_public_server, complete_on_server, complete_own
from multi_tenant.registry.models import AbstractTenant, DatabaseServer, Placement
from multi_tenant.registry.rules import validate_file, validate_keys, validate_name, validate_place

#: The database that PostgreSQL servers have for those who have none yet.
MAINTENANCE = "postgres"
#: Databases of a server that belong to nobody, by vendor.
SYSTEM_DATABASES = {
    "postgresql": frozenset({MAINTENANCE, "template0", "template1"}),
    "mysql": frozenset({"information_schema", "mysql", "performance_schema", "sys"}),
}


def tenant_model() -> Any:
    """The tenant model, as TENANT_MODEL names it."""
    return apps.get_model(conf.TENANT_MODEL)


def public_engine(alias: str) -> Engine:
    """The engine of the public database's server, connected to the public database itself: it is there for sure."""
    return engine_of(complete_on_public_server({}), alias=alias)


def engine_for(tenant: AbstractTenant, *, at_hand: Engine | None = None) -> Engine:
    """The engine of the server that a placed tenant's database is on, with the login that makes databases there.

    ``at_hand`` is the public server's, whose connection can serve for this too.
    """
    if tenant.placement == Placement.PUBLIC:
        return at_hand or public_engine(tenant.alias)
    if tenant.placement == Placement.SERVER and tenant.server is not None:
        return server_engine(tenant.server, alias=tenant.alias)
    return own_engine(tenant.entry(), alias=tenant.alias)


def server_engine(server: DatabaseServer, *, alias: str) -> Engine:
    """The engine of a server of the registry."""
    credentials = server.credentials
    entry = complete_on_server({"NAME": credentials.get("NAME") or MAINTENANCE}, credentials)
    return engine_of(entry, alias=alias)


def own_engine(entry: Entry, *, alias: str) -> Engine:
    """The engine of a tenant's own server. Its login is all that there is, so it makes the database too."""
    return engine_of(Entry({**entry, "NAME": MAINTENANCE}), alias=alias)


def database_engine(tenant: AbstractTenant) -> Engine:
    """An engine that works inside a tenant's database, for dumps."""
    return engine_of(tenant.owner_entry(), alias=tenant.alias)


def place(tenant: AbstractTenant, *, server: DatabaseServer | str | None, entry: Mapping[str, Any] | None) -> None:
    """Settle where a new tenant's database goes; nothing is saved. The row's own server stands where none is given.

    Raises InvalidEntryError and ProvisioningError.
    """
    if entry is not None:
        if server is not None:
            raise InvalidEntryError("Both an entry and a server are given. Give one of them, or neither.")
        place_own(tenant, entry)
        return
    tenant.server = tenant.server if server is None else find_server(server)
    if tenant.server is not None:
        refuse_full(tenant.server)
    tenant.placement = Placement.PUBLIC if tenant.server is None else Placement.SERVER
    place_named(tenant, engine_for(tenant).name_for(tenant.alias, tenant.pk))


def place_named(tenant: AbstractTenant, name: str) -> None:
    """Settle which database of the deployment's server is a tenant's, and the login that it is to have there.

    A half-made tenant keeps what it has: the step that makes a login may be done.
    """
    if tenant.step and tenant.database is not None and tenant.database.get("NAME") == name:
        return
    engine = engine_for(tenant)
    login = fresh_login(engine, tenant) if gets_login(engine, tenant) else {}
    tenant.database = Entry({"NAME": name, **login})


def place_own(tenant: AbstractTenant, entry: Mapping[str, Any]) -> None:
    """Settle that a tenant's database is where its own entry says, if the rules allow it."""
    validate_keys(entry)
    given = Entry({key: value for key, value in entry.items() if value is not None})
    if not given.get("NAME"):
        given["NAME"] = engine_of(complete_own(given), alias=tenant.alias).name_for(tenant.alias, tenant.pk)
    validate_place(complete_own(given))
    tenant.server = None
    tenant.placement = Placement.OWN
    tenant.database = given


def place_existing(tenant: AbstractTenant, *, server: DatabaseServer | str | None, entry: Mapping[str, Any]) -> None:
    """Settle where the existing database of an adopted tenant is; an entry that says NAME alone needs no own server.

    Raises InvalidEntryError and ProvisioningError.
    """
    validate_keys(entry)
    if not entry.get("NAME"):
        raise InvalidEntryError("The entry has no NAME. Name the database that is to be adopted.", key="NAME")
    if server is None and set(entry) != {"NAME"}:
        place_own(tenant, entry)
        return
    if set(entry) != {"NAME"}:
        raise InvalidEntryError("The entry says more than the NAME of a database on that server. Give its NAME alone.")
    tenant.server = None if server is None else find_server(server)
    tenant.placement = Placement.PUBLIC if server is None else Placement.SERVER
    place_named(tenant, str(entry["NAME"]))
    refuse_public(tenant.entry())


def refuse_public(entry: Entry) -> None:
    """Raise InvalidEntryError for the public database, the server's own, and a file outside SQLITE_DIR."""
    if entry.vendor == "sqlite":
        validate_file(str(entry["NAME"]))
    else:
        validate_name(entry)
    the_servers = str(entry["NAME"]) in SYSTEM_DATABASES.get(entry.vendor, ())
    if the_servers or entry.location == Entry(connections[PUBLIC].settings_dict).location:
        raise InvalidEntryError("The entry is the public database, or the server's. Name the tenant's own.", key="NAME")


def hidden(entry: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The given entry in a form that no error report prints; what is no entry is left for the rules to refuse."""
    return Entry(entry) if isinstance(entry, Mapping) else entry


def find_server(server: DatabaseServer | str) -> DatabaseServer:
    """The row of a server given by name. Raises ProvisioningError where there is none."""
    if isinstance(server, DatabaseServer):
        return server
    found: DatabaseServer | None = DatabaseServer.objects.using(PUBLIC).filter(name=server).first()
    if found is None:
        raise ProvisioningError(
            f"There is no database server {server!r}. Add it to the registry, or name one that is there.",
            step="reserve",
        )
    return found


def refuse_full(server: DatabaseServer) -> None:
    """Raise ProvisioningError for a server that takes no more tenants."""
    if not server.accepts_tenants:
        raise ProvisioningError(
            f"The database server {server.name!r} accepts no new tenants. Name another one.", step="reserve"
        )
