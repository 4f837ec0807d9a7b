"""The templates that new tenants are cloned from: built once for each set of migrations, engine and owner."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Set
from contextlib import suppress
from functools import partial

import django

from multi_tenant.conf import conf
from multi_tenant.context import public_context
from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import DatabaseExistsError
from multi_tenant.lifecycle.building import migrate
from multi_tenant.lifecycle.disk import Key, disk
from multi_tenant.lifecycle.fingerprint import digest_of, in_tenants
from multi_tenant.lifecycle.placement import public_engine, server_engine
from multi_tenant.registry.aliases import PUBLIC, TEMPLATE
from multi_tenant.registry.entry import Entry, digest
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.models import DatabaseServer, TenantState
from multi_tenant.routing.owner import inside_record

LOCK = "multi_tenant:templates"


def clone_template(engine: Engine, name: str) -> str:
    """Make a database from the template of the code that runs now, which is built if it is not there.

    Answers its fingerprint. One at a time on each server: clones made together are slower than one after the other.
    Raises DatabaseExistsError.
    """
    texts = disk.texts()
    template = template_name(engine, texts)
    with engine.lock(LOCK):
        if not engine.exists(template):
            build_template(engine, template)
        engine.clone(template, name, private=has_rows_opened(engine))
    return digest_of(in_tenants(texts))


def drop_stale_templates() -> list[str]:
    """Drop the templates, on the public server and on those of the registry, that the code that runs now does not use.

    Old ones are kept until then, since a rolling deploy uses two. Answers the names of those that are gone; one in use
    stays.
    """
    with public_context():
        servers = DatabaseServer.objects.using(PUBLIC).order_by("name")
        engines = [public_engine(TEMPLATE), *(server_engine(server, alias=TEMPLATE) for server in servers)]
        # All names are kept everywhere: two rows may be logins of one server, each with a template of its own.
        keep = {template_name(engine) for engine in engines}
        return [name for engine in engines for name in drop_stale(engine, keep=keep)]


def drop_stale(engine: Engine, *, keep: Set[str]) -> list[str]:
    """Drop a server's templates except those to keep, and the drafts of builds that were killed."""
    if not engine.has_templates:
        return []
    with engine.lock(LOCK):  # so that no draft is in the making
        return [name for name in engine.names(template_prefix()) if name not in keep and engine.drop_template(name)]


def template_name(engine: Engine, texts: Mapping[Key, str] | None = None) -> str:
    """The name of the template for the code that runs now."""
    key = template_key(engine, disk.texts() if texts is None else texts)
    return f"{template_prefix()}{key[:16]}{engine.suffix}"


def template_key(engine: Engine, texts: Mapping[Key, str]) -> str:
    """What a template depends on: the migrations' names and texts, the apps, Django, the engine, the owner, the rights.

    The owner, since on PostgreSQL nobody else may clone it.
    """
    wanted = {".".join(key): texts[key] for key in sorted(in_tenants(texts))}
    owner = [engine.entry["ENGINE"], engine.entry["USER"], has_rows_opened(engine)]
    return digest([wanted, sorted(conf.tenant_labels), django.VERSION, *owner])


def has_rows_opened(engine: Engine) -> bool:
    """Whether tenants on an engine's server have logins, which may work with the rows of what is made there."""
    return conf.TENANT_LOGINS and engine.has_logins


def build_template(engine: Engine, name: str) -> None:
    """Build a template under a name of its own, and publish it once it is whole. The caller holds the lock."""
    draft = f"{name.removesuffix(engine.suffix)}_{secrets.token_hex(4)}{engine.suffix}"
    opened = has_rows_opened(engine)
    engine.create(draft, private=opened)
    try:
        with inside_record(record_of_draft(engine.entry_for(draft))):
            migrate(open_rows=partial(engine.open_rows, draft) if opened else None)
        with suppress(DatabaseExistsError):  # another deployment on this server, with the same code, was quicker
            engine.publish(draft, name)
            return
    except BaseException:  # Ctrl-C too: a draft that is not whole must not stay
        engine.drop_template(draft)
        raise
    engine.drop_template(draft)


def record_of_draft(entry: Entry) -> TenantRecord:
    """No tenant: data migrations see none."""
    return TenantRecord(alias=TEMPLATE, uuid=None, name="", state=TenantState.PROVISIONING, entry=entry, marked=False)


def template_prefix() -> str:
    """What templates' names begin with; no tenant's does: ``template`` is no alias, and entries may not say it."""
    return f"{conf.DATABASE_PREFIX}{TEMPLATE}_"
