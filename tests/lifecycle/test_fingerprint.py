from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from multi_tenant import tenant_context
from multi_tenant.conf import conf
from multi_tenant.lifecycle import create_tenant, fingerprint, fingerprint_of, is_behind, resume, suspend
from multi_tenant.lifecycle.fingerprint import unknown_migrations
from multi_tenant.registry.models import DatabaseServer, RegistryVersion, Tenant


def back(app: str) -> None:
    call_command("migrate", app, "zero", verbosity=0)


def test_a_new_tenant_has_the_fingerprint_of_the_code(server: DatabaseServer | None) -> None:
    tenant = create_tenant("acme", server=server)
    assert tenant.fingerprint == fingerprint()
    assert not is_behind(tenant)
    with tenant_context("acme"):
        assert fingerprint_of(connection) == fingerprint()


def test_what_belongs_to_the_public_database_alone_does_not_count(registry: None, configure: Any) -> None:
    before = fingerprint()
    configure(SHARED_APPS=[app for app in conf.SHARED_APPS if app != "tests.testapp.billing"])
    assert fingerprint() == before
    configure(TENANT_APPS=[*conf.TENANT_APPS, "tests.testapp.billing"])
    assert fingerprint() != before


def test_migrate_by_hand_inside_a_tenant_is_noted(server: DatabaseServer | None) -> None:
    create_tenant("acme", server=server)
    with tenant_context("acme"):
        back("library")
    assert is_behind(Tenant.objects.get())
    with tenant_context("acme"):
        call_command("migrate", verbosity=0)
    assert not is_behind(Tenant.objects.get())


def test_a_suspended_tenant_is_migrated_and_then_resumed(registry: None) -> None:
    create_tenant("acme")
    with tenant_context("acme"):
        back("library")
    suspend("acme")
    with pytest.raises(Exception, match="lacks migrations"):
        resume("acme")
    with tenant_context("acme", any_state=True):
        call_command("migrate", verbosity=0)
    assert resume("acme").state == "active"


def test_other_tenants_keep_their_fingerprints(registry: None) -> None:
    create_tenant("acme")
    create_tenant("bolt")
    with tenant_context("acme"):
        back("library")
    assert [is_behind(tenant) for tenant in Tenant.objects.order_by("alias")] == [True, False]


def test_migrating_the_public_database_touches_no_tenant(registry: None) -> None:
    create_tenant("acme")
    Tenant.objects.update(fingerprint="left alone")
    call_command("migrate", verbosity=0)
    assert Tenant.objects.get().fingerprint == "left alone"


def test_nothing_is_written_where_nothing_changed(registry: None) -> None:
    create_tenant("acme")
    version = RegistryVersion.objects.get().version
    with tenant_context("acme"):
        call_command("migrate", verbosity=0)
        call_command("flush", verbosity=0, interactive=False)
    assert RegistryVersion.objects.get().version == version


def test_migrations_ahead_of_the_code_are_named(registry: None) -> None:
    create_tenant("acme")
    with tenant_context("acme"):
        assert unknown_migrations(connection) == []
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('gone', '0001', '2030-01-01')")
        assert unknown_migrations(connection) == [("gone", "0001")]
