from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.models.signals import post_migrate

from multi_tenant import current_alias, current_tenant, tenant_context
from multi_tenant.conf import conf
from multi_tenant.databases.base import Engine
from multi_tenant.exceptions import DatabaseExistsError
from multi_tenant.lifecycle import create_tenant, drop_stale_templates, fingerprint
from multi_tenant.lifecycle import template as module
from multi_tenant.lifecycle.disk import Disk, disk
from multi_tenant.lifecycle.placement import public_engine, server_engine
from multi_tenant.lifecycle.template import build_template, clone_template, template_name, template_prefix
from multi_tenant.registry.models import DatabaseServer
from multi_tenant.routing.marker import TABLE
from multi_tenant.routing.owner import inside_record
from tests.lifecycle.conftest import PREFIX, TEMPLATED, place_of
from tests.testapp.library.models import Author


@pytest.fixture(params=TEMPLATED)
def server(request: pytest.FixtureRequest, registry: None) -> DatabaseServer | None:
    """Each place that has templates."""
    return place_of(request)


@pytest.fixture
def engine(server: DatabaseServer | None, configure: Any) -> Engine:
    """A server without templates."""
    configure(DATABASE_PREFIX=f"{PREFIX}new_")
    return public_engine("x") if server is None else server_engine(server, alias="x")


def templates(engine: Engine) -> list[str]:
    return list(engine.names(template_prefix()))


def test_a_template_is_built_once(engine: Engine, server: DatabaseServer | None) -> None:
    assert templates(engine) == []
    create_tenant("acme", server=server)
    assert templates(engine) == [template_name(engine)]
    create_tenant("bolt", server=server)
    assert templates(engine) == [template_name(engine)]


def test_without_templates_none_is_built(engine: Engine, server: DatabaseServer | None, configure: Any) -> None:
    configure(TEMPLATES=False)
    create_tenant("acme", server=server)
    assert templates(engine) == []


def test_a_clone_is_what_migrate_makes(engine: Engine, server: DatabaseServer | None, configure: Any) -> None:
    create_tenant("cloned", server=server)
    configure(TEMPLATES=False)
    create_tenant("migrated", server=server)
    contents = []
    for alias in ("cloned", "migrated"):
        with tenant_context(alias):
            tables = connection.introspection.table_names()
            contents.append({table: columns(table) for table in tables})
            contents[-1]["rows"] = connection.creation.serialize_db_to_string()
    assert contents[0] == contents[1]


def columns(table: str) -> Any:
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
        return sorted(map(str, described)), connection.introspection.get_constraints(cursor, table)


def test_data_migrations_in_the_template_see_no_tenant(engine: Engine) -> None:
    seen: list[Any] = []

    def look(sender: Any, using: str, **kwargs: Any) -> None:
        seen.append((using, current_alias(), current_tenant()))
        Author.objects.get_or_create(name="of the template")

    post_migrate.connect(look)
    try:
        clone_template(engine, f"{PREFIX}new_one{engine.suffix}")
    finally:
        post_migrate.disconnect(look)
    assert set(seen) == {("template", "template", None)}


def test_what_migrations_wrote_is_in_each_tenant(engine: Engine, server: DatabaseServer | None) -> None:
    def write(sender: Any, **kwargs: Any) -> None:
        Author.objects.get_or_create(name="of the template")

    post_migrate.connect(write)
    try:
        create_tenant("acme", server=server)
    finally:
        post_migrate.disconnect(write)
    with tenant_context("acme"):
        assert [author.name for author in Author.objects.all()] == ["of the template"]


def test_a_template_that_cannot_be_built_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**kwargs: Any) -> None:
        call_command("migrate", "contenttypes", verbosity=0)
        raise ZeroDivisionError

    monkeypatch.setattr(module, "migrate", broken)
    with pytest.raises(ZeroDivisionError):
        clone_template(engine, f"{PREFIX}new_one{engine.suffix}")
    assert list(engine.names(f"{PREFIX}new_")) == []


def test_of_two_deployments_the_quicker_one_builds(engine: Engine) -> None:
    engine.create(template_name(engine))
    build_template(engine, template_name(engine))
    assert templates(engine) == [template_name(engine)]


def test_a_template_has_the_markers_table_and_no_mark(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clone_template(engine, f"{PREFIX}new_one{engine.suffix}")
    with pytest.raises(DatabaseExistsError):
        clone_template(engine, f"{PREFIX}new_one{engine.suffix}")
    record = module.record_of_draft(engine.entry_for(f"{PREFIX}new_one{engine.suffix}"))
    with inside_record(record) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}")
        assert cursor.fetchone() == (0,)


def rewrite(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had written each migration anew, under its old name."""
    texts = disk.texts()
    monkeypatch.setattr(Disk, "texts", lambda self: dict.fromkeys(texts, "another text"))


def test_the_name_changes_with_the_migrations_and_their_texts(
    engine: Engine, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = template_name(engine)
    rewrite(monkeypatch)
    second = template_name(engine)
    configure(TENANT_APPS=[*conf.TENANT_APPS, "tests.testapp.billing"])
    third = template_name(engine)
    assert len({first, second, third}) == 3


def test_the_texts_do_not_change_a_tenants_fingerprint(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    rewrite(monkeypatch)
    assert fingerprint() == before


def test_stale_templates_and_drafts_are_dropped_and_the_one_in_force_is_kept(
    engine: Engine, server: DatabaseServer | None
) -> None:
    tenant = create_tenant("acme", server=server)
    stale = [
        f"{template_prefix()}0123456789abcdef{engine.suffix}",
        f"{template_prefix()}0123456789abcdef_draft{engine.suffix}",
    ]
    for name in stale:
        engine.create(name)
    assert sorted(drop_stale_templates()) == sorted(stale)
    assert templates(engine) == [template_name(engine)]
    assert engine.exists(tenant.database["NAME"])
    assert drop_stale_templates() == []


def test_no_connection_to_a_template_is_left(engine: Engine, server: DatabaseServer | None) -> None:
    create_tenant("acme", server=server)
    assert "template" not in [wrapper.alias for wrapper in connections.all(initialized_only=True)]


def test_a_server_without_templates_has_none_that_are_stale(mariadb: DatabaseServer) -> None:
    tenant = create_tenant("acme", server=mariadb)
    assert drop_stale_templates() == []
    assert server_engine(mariadb, alias="x").names(PREFIX) == [tenant.database["NAME"]]
