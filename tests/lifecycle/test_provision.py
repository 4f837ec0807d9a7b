from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.db import OperationalError, connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from multi_tenant import (
    ProvisioningError,
    TenantUnavailableError,
    UnknownTenantError,
    current_alias,
    current_tenant,
    tenant_context,
)
from multi_tenant.exceptions import InvalidAliasError, TenantConnectionError
from multi_tenant.lifecycle import create_tenant, delete, drop_stale_templates, fingerprint, purge, resume, suspend
from multi_tenant.lifecycle import provision as provisioning
from multi_tenant.lifecycle.placement import server_engine
from multi_tenant.lifecycle.steps import activate
from multi_tenant.lifecycle.template import template_prefix
from multi_tenant.registry.models import DatabaseServer, Domain, Tenant
from multi_tenant.routing.marker import read_marker
from multi_tenant.signals import tenant_provisioned
from tests.lifecycle.conftest import PREFIX, World
from tests.testapp.library.models import Author


def test_a_tenant_is_made_served_suspended_resumed_and_deleted(server: DatabaseServer | None) -> None:
    tenant = create_tenant("acme", name="Acme", domains=["ACME.localhost:8000"], server=server)
    assert (tenant.state, tenant.name, tenant.error) == ("active", "Acme", "")
    with tenant_context("acme"):
        Author.objects.create(name="first")
    suspend("acme")
    with pytest.raises(TenantUnavailableError):
        tenant_context("acme").__enter__()
    resume("acme")
    with tenant_context("acme"):
        assert Author.objects.count() == 1
    assert delete("acme", force=True).state == "deleted"
    purge("acme")
    assert not Tenant.objects.exists()
    with pytest.raises(UnknownTenantError):
        tenant_context("acme").__enter__()


def test_two_tenants_have_two_databases(server: DatabaseServer | None) -> None:
    for alias in ("acme", "bolt"):
        create_tenant(alias, server=server)
        with tenant_context(alias):
            Author.objects.create(name=alias)
    for alias in ("acme", "bolt"):
        with tenant_context(alias):
            assert [author.name for author in Author.objects.all()] == [alias]


def test_a_server_can_be_given_by_name(postgres: DatabaseServer) -> None:
    assert create_tenant("acme", server="postgres").server == postgres


def test_a_login_that_may_only_create_databases_is_enough_without_logins(
    plain_server: DatabaseServer, configure: Any
) -> None:
    configure(TENANT_LOGINS=False)
    for alias in ("acme", "bolt"):
        create_tenant(alias, server=plain_server)
        with tenant_context(alias):
            Author.objects.create(name="first")
    assert delete("acme", force=True).state == "deleted"
    engine = server_engine(plain_server, alias="x")
    engine.create(f"{template_prefix()}stale")
    assert drop_stale_templates() == [f"{template_prefix()}stale"]


def test_a_template_of_another_login_is_left(plain_server: DatabaseServer, postgres: DatabaseServer) -> None:
    name = f"{template_prefix()}of_another"
    server_engine(postgres, alias="x").create(name)
    assert not server_engine(plain_server, alias="x").drop_template(name)
    assert drop_stale_templates() == [name]


def test_an_own_entry_is_used(own: dict[str, Any]) -> None:
    tenant = create_tenant("acme", entry=own)
    assert (tenant.placement, tenant.adopted, tenant.server) == ("own", False, None)
    with tenant_context("acme"):
        assert connection.settings_dict["NAME"].endswith(own["NAME"])
        Author.objects.create(name="first")


def test_an_own_entry_without_a_name_gets_one(own: dict[str, Any]) -> None:
    tenant = create_tenant("acme", entry={key: value for key, value in own.items() if key != "NAME"})
    assert f"{PREFIX}acme_{tenant.pk.hex[:8]}" in tenant.entry()["NAME"]


def test_the_domains_lead_to_the_tenant(registry: None) -> None:
    tenant = create_tenant("acme", domains=["ACME.example:80", "acme.example.", "bücher.example"])
    hosts = Domain.objects.filter(tenant_id=tenant.pk).values_list("host", flat=True)
    assert set(hosts) == {"acme.example", "xn--bcher-kva.example"}


def test_the_physical_name_tells_prefix_alias_and_uuid(server: DatabaseServer | None) -> None:
    tenant = create_tenant("acme", server=server)
    assert f"{PREFIX}acme_{tenant.pk.hex[:8]}" in tenant.database["NAME"]


def test_the_longest_alias_fits_into_a_name(server: DatabaseServer | None) -> None:
    alias = "a" * 48
    tenant = create_tenant(alias, server=server)
    assert tenant.pk.hex[:8] in tenant.database["NAME"]
    with tenant_context(alias):
        assert not Author.objects.exists()


@pytest.mark.parametrize("templated", [True, False])
def test_with_and_without_templates_the_database_is_whole(
    templated: bool, server: DatabaseServer | None, configure: Any
) -> None:
    configure(TEMPLATES=templated)
    tenant = create_tenant("acme", server=server)
    assert tenant.fingerprint == fingerprint()
    with tenant_context("acme"):
        tables = set(connection.introspection.table_names())
        assert {"library_author", "common_city", "django_content_type"} <= tables
        assert not {"billing_plan", "multi_tenant_tenant"} & tables
        assert ("library", "0001_initial") in MigrationRecorder(connection).applied_migrations()
        assert read_marker(connection.connection) == tenant.pk


def test_receivers_run_inside_the_tenant(server: DatabaseServer | None) -> None:
    seen: list[Any] = []

    def receive(tenant: Any, **kwargs: Any) -> None:
        record = current_tenant()
        assert record is not None
        seen.append((kwargs["sender"], tenant.state, current_alias(), record.uuid == tenant.pk))
        Author.objects.create(name="the tenant's own")

    tenant_provisioned.connect(receive)
    try:
        create_tenant("acme", server=server)
    finally:
        tenant_provisioned.disconnect(receive)
    assert seen == [(Tenant, "active", "acme", True)]


def test_a_tenant_can_be_made_from_inside_another(registry: None) -> None:
    create_tenant("acme")
    with tenant_context("acme"):
        create_tenant("bolt")
        assert current_alias() == "acme"


def test_a_pending_row_is_provisioned(postgres: DatabaseServer) -> None:
    pending = Tenant.objects.create(alias="acme", name="Acme", server=postgres)
    tenant = create_tenant("acme")
    assert (tenant.pk, tenant.name, tenant.placement) == (pending.pk, "Acme", "server")


def broken(attempt: Any) -> None:
    raise ZeroDivisionError("a data migration's")


@pytest.mark.parametrize("step", ["database", "schema", "marker", "active"])
def test_a_step_that_fails_leaves_nothing(
    step: str, server: DatabaseServer | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [(name, broken if name == step else do) for name, do in provisioning.STEPS]
    before = world()
    monkeypatch.setattr(provisioning, "STEPS", tuple(steps))
    with pytest.raises(ZeroDivisionError):
        create_tenant("acme", server=server, domains=["acme.example"])
    assert world() == before


def test_an_error_after_the_last_step_serves_nothing(
    server: DatabaseServer | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the public database goes away between its commit and the answer."""

    def lost(attempt: Any) -> None:
        activate(attempt)
        raise OperationalError("server closed the connection unexpectedly")

    seen: list[str] = []

    def drop(attempt: Any) -> None:
        seen.append(Tenant.objects.get().state)
        drop_begun(attempt)

    before = world()
    drop_begun = provisioning.drop_begun
    monkeypatch.setattr(provisioning, "drop_begun", drop)
    monkeypatch.setattr(provisioning, "STEPS", (*provisioning.STEPS[:-1], ("active", lost)))
    with pytest.raises(ProvisioningError, match="'active' failed"):
        create_tenant("acme", server=server)
    assert seen == ["provisioning"]
    assert world() == before


def test_a_pending_row_survives_a_failure_as_failed(
    registry: None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tenant.objects.create(alias="acme")
    databases = world()[2]
    with monkeypatch.context() as patch:
        patch.setattr(provisioning, "STEPS", (provisioning.STEPS[0], ("schema", broken)))
        with pytest.raises(ZeroDivisionError):
            create_tenant("acme")
    failed = Tenant.objects.get()
    assert (failed.state, failed.step, failed.error, failed.database) == ("failed", "", "ZeroDivisionError", None)
    assert world()[2] == databases
    assert create_tenant("acme").state == "active"


def test_a_resumed_tenant_that_fails_again_is_kept(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Any = Tenant.objects
    rows.create(alias="acme", state="provisioning", step="reserve", database={"NAME": f"{PREFIX}acme"})
    with monkeypatch.context() as patch:
        patch.setattr(provisioning, "STEPS", (("database", broken),))
        with pytest.raises(ZeroDivisionError):
            create_tenant("acme")
    assert Tenant.objects.get().state == "failed"


def test_a_domain_that_is_taken_in_between_leaves_nothing(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Tenant.objects.create(alias="bolt")

    def late(domains: Any, tenant: Any) -> list[str]:
        Domain.objects.create(tenant=other, host="acme.example")
        return list(domains)

    monkeypatch.setattr(provisioning, "hosts_of", late)
    with pytest.raises(ProvisioningError, match="just now"):
        create_tenant("acme", domains=["free.example", "acme.example"])
    assert [tenant.alias for tenant in Tenant.objects.all()] == ["bolt"]
    assert [domain.host for domain in Domain.objects.all()] == ["acme.example"]


def test_what_cannot_be_undone_is_kept_and_taken_up(
    server: DatabaseServer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(attempt: Any) -> None:
        raise ProvisioningError("The server is away. Try again.", step="database")

    with monkeypatch.context() as patch:
        patch.setattr(provisioning, "STEPS", (provisioning.STEPS[0], ("schema", broken)))
        patch.setattr(provisioning, "drop_begun", refuse)
        with pytest.raises(ZeroDivisionError):
            create_tenant("acme", server=server)
    left = Tenant.objects.get()
    assert (left.state, left.step) == ("failed", "reserve")
    assert create_tenant("acme").pk == left.pk


def test_a_failed_tenant_whose_steps_are_all_done_is_activated(registry: None) -> None:
    create_tenant("acme")
    Tenant.objects.filter(alias="acme").update(state="failed")
    assert create_tenant("acme").state == "active"


def test_threads_make_one_tenant(server: DatabaseServer | None) -> None:
    outcomes: list[str] = []

    def make() -> None:
        try:
            outcomes.append(create_tenant("acme", server=server).state)
        except InvalidAliasError:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["active", "refused", "refused"]


SECRET = "hunter2hunter2"


def report_of_refused_login(entry: dict[str, Any]) -> str:
    """What Django mails to the administrators, but for the frame here, which holds the entry as it was given."""
    arguments: Any = {"entry": {**entry, "PASSWORD": SECRET}}
    with pytest.raises(TenantConnectionError) as caught:
        create_tenant("acme", **arguments)
    return str(ExceptionReporter(None, caught.type, caught.value, caught.tb.tb_next).get_traceback_html())


def test_an_error_report_of_a_refused_login_shows_no_password(own_postgres: dict[str, Any]) -> None:
    report = report_of_refused_login(own_postgres)
    assert "create_tenant" in report
    assert SECRET not in report


def test_an_entry_that_is_not_hidden_would_be_shown(
    own_postgres: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "hidden", lambda entry: entry)
    assert SECRET in report_of_refused_login(own_postgres)


def test_the_registry_holds_no_secret(own_postgres: dict[str, Any]) -> None:
    create_tenant("acme", entry=own_postgres)
    with connections["public"].cursor() as cursor:
        cursor.execute("SELECT * FROM multi_tenant_tenant")
        assert own_postgres["PASSWORD"] not in repr(cursor.fetchall())


def view(request: HttpRequest) -> HttpResponse:
    create_tenant("acme")
    return HttpResponse()


def test_a_view_under_atomic_requests_is_refused(registry: None, monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setitem(connections["public"].settings_dict, "ATOMIC_REQUESTS", True)
    before = world()
    atomic_view = BaseHandler().make_view_atomic(view)
    with pytest.raises(ProvisioningError, match="non_atomic_requests"):
        atomic_view(RequestFactory().get("/"))
    assert world() == before
