"""The logins that tenants on the deployment's own servers are served with: named, made and dropped by the lifecycle."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from multi_tenant.conf import conf
from multi_tenant.databases.base import LOGIN_TAIL, Engine
from multi_tenant.registry.entry import Hidden
from multi_tenant.registry.models import AbstractTenant, Placement

#: Bytes of a password; it is made here and read by programs alone.
PASSWORD_BYTES = 32


def gets_login(engine: Engine, tenant: AbstractTenant) -> bool:
    """Whether a tenant's database is on a server where it should have a login of its own."""
    return conf.TENANT_LOGINS and engine.has_logins and tenant.placement != Placement.OWN


def login_of(tenant: AbstractTenant) -> str:
    """The login of its own that a placed tenant is served with; "" where it is the server's."""
    if tenant.database is None or tenant.placement == Placement.OWN:
        return ""
    return str(tenant.database.get("USER") or "")


def fresh_login(engine: Engine, tenant: AbstractTenant) -> Mapping[str, str]:
    """What an entry says of a login that is not made yet."""
    tail = secrets.token_hex(LOGIN_TAIL // 2)
    return {
        "USER": engine.login_stem(tenant.alias, tenant.pk) + tail,
        "PASSWORD": secrets.token_urlsafe(PASSWORD_BYTES),
    }


def make_login(engine: Engine, tenant: AbstractTenant, *, entry: Mapping[str, Any] | None = None) -> None:
    """Make the login that the tenant's row, or an ``entry`` to come, names, if any; one that is there is renewed."""
    given = tenant.database if entry is None else entry
    if given is not None and given.get("USER") and tenant.placement != Placement.OWN:
        engine.create_login(str(given["USER"]), Hidden(given["PASSWORD"]), name=str(given["NAME"]))


def former_logins(engine: Engine, tenant: AbstractTenant) -> list[str]:
    """The logins of a tenant but for the one that its row names: of a rotation, or of an attempt that was killed."""
    now = login_of(tenant)
    if not now and not gets_login(engine, tenant):  # nobody asks a server for logins that may not tell of any
        return []
    return [login for login in engine.logins(engine.login_stem(tenant.alias, tenant.pk)) if login != now]


def drop_logins(engine: Engine, tenant: AbstractTenant) -> None:
    """Drop all logins of a tenant, and end their sessions; one that somebody else gave it is left."""
    now = login_of(tenant)
    ours = [now] if f"_{tenant.pk.hex[:8]}_" in now else []
    for login in [*former_logins(engine, tenant), *ours]:
        engine.drop_login(login)
