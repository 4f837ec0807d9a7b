"""Connection settings go into the registry's admin, and never come out of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.signals import got_request_exception
from django.db import connection
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from multi_tenant.context import public_context, tenant_context
from multi_tenant.contrib.admin.registry import register_registry
from multi_tenant.contrib.admin.secret_fields import ChangedEntryForm
from multi_tenant.databases import Engine
from multi_tenant.lifecycle import create_tenant
from multi_tenant.models import DatabaseServer, Tenant
from multi_tenant.routing.owner import retire
from tests.contrib.admin.conftest import PASSWORD, Browser
from tests.fleets import leftovers as leftovers
from tests.fleets import postgres_entry as postgres_entry
from tests.fleets import registry as registry
from tests.promises.control import Without, guarded_by

pytest.importorskip("psycopg", reason="the servers that are registered here are PostgreSQL's")

SERVERS = "/admin/multi_tenant/databaseserver/"
SECRETS = ("db2.internal", "5433", "maintenance", "maker", "hush-hush", "verify-full")
GIVEN = {
    "name": "frankfurt",
    "accepts_tenants": "on",
    "engine": "django.db.backends.postgresql",
    "host": "db2.internal",
    "port": "5433",
    "database_name": "maintenance",
    "user": "maker",
    "password": "hush-hush",
    "more": '{"OPTIONS": {"sslmode": "verify-full"}}',
}
STORED = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": "db2.internal",
    "PORT": "5433",
    "NAME": "maintenance",
    "USER": "maker",
    "PASSWORD": "hush-hush",
    "OPTIONS": {"sslmode": "verify-full"},
}


@pytest.fixture
def frankfurt(db: None) -> Any:
    """A server that is known already."""
    fields: Any = {"credentials": STORED}
    return DatabaseServer.objects.create(name="frankfurt", **fields)


def page_of(server: Any, name: str = "change") -> str:
    return f"{SERVERS}{server.pk}/{name}/"


def stored() -> Any:
    return DatabaseServer.objects.get().credentials


def log() -> str:
    with public_context():
        return " ".join(f"{entry} {entry.change_message}" for entry in LogEntry.objects.all())


def silent(text: str) -> bool:
    """Whether a text repeats nothing of what is stored."""
    return not any(secret in text for secret in SECRETS)


@pytest.mark.django_db
def test_a_server_is_added(public: Client) -> None:
    assert public.get(f"{SERVERS}add/").status_code == 200
    answer = public.post(f"{SERVERS}add/", GIVEN, follow=True)
    assert stored() == STORED
    assert silent(answer.text)
    assert silent(log())


@pytest.mark.django_db
def test_what_is_stored_is_on_no_page(public: Client, frankfurt: Any) -> None:
    for page in (SERVERS, page_of(frankfurt), page_of(frankfurt, "history"), page_of(frankfurt, "delete")):
        answer = public.get(page)
        assert answer.status_code == 200
        assert silent(answer.text), page


@pytest.mark.django_db
def test_a_blank_keeps_what_is_stored(public: Client, frankfurt: Any) -> None:
    answer = public.post(page_of(frankfurt), {"name": "berlin"}, follow=True)
    assert (DatabaseServer.objects.get().name, stored()) == ("berlin", STORED)
    assert silent(answer.text)


@pytest.mark.django_db
def test_a_new_password_is_stored_and_not_logged(public: Client, frankfurt: Any) -> None:
    public.post(page_of(frankfurt), {"name": "frankfurt", "password": "brand-new"})
    assert stored() == {**STORED, "PASSWORD": "brand-new"}
    assert "Password" in log()
    assert "brand-new" not in log()


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"host": "evil.example"}, {"port": "1"}, {"more": '{"OPTIONS": {}}'}])
def test_a_stored_password_is_not_sent_elsewhere(public: Client, frankfurt: Any, change: dict[str, str]) -> None:
    answer = public.post(page_of(frankfurt), {"name": "frankfurt", **change})
    assert "Type it again" in answer.text
    assert stored() == STORED
    given = {"name": "frankfurt", "password": "brand-new", **change}
    assert public.post(page_of(frankfurt), given).status_code == 302


@pytest.mark.django_db
def test_all_that_is_stored_is_forgotten_if_that_is_asked_for(public: Client, frankfurt: Any) -> None:
    public.post(page_of(frankfurt), {"name": "frankfurt", "afresh": "on", "host": "db3.internal"})
    assert stored() == {"HOST": "db3.internal"}


@pytest.mark.django_db
def test_a_form_with_errors_repeats_no_secret(public: Client, frankfurt: Any) -> None:
    answer = public.post(page_of(frankfurt), {"name": "", "password": "typed-now", "more": '{"X": "typed-now"}'})
    assert answer.context["errors"]
    assert "typed-now" not in answer.text
    assert silent(answer.text)
    assert public.post(f"{SERVERS}add/", {"name": "nothing"}).context["errors"]


@pytest.mark.django_db
def test_a_server_whose_key_is_lost_gets_credentials_afresh(public: Client, frankfurt: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE multi_tenant_server SET credentials = 'gAAAAABmbroken'")
    assert public.get(page_of(frankfurt)).status_code == 200
    public.post(page_of(frankfurt), {"name": "frankfurt", "host": "db3.internal", "password": "brand-new"})
    assert stored() == {"HOST": "db3.internal", "PASSWORD": "brand-new"}


def test_neither_form_nor_field_shows_what_was_typed() -> None:
    form = ChangedEntryForm({"password": "hush-hush", "more": '{"OPTIONS": {"sslmode": "verify-full"}}'})
    assert form.is_valid()
    assert silent(f"{form!r} {form.given()!r} {form.cleaned_data['more']!r} {form}")


@pytest.fixture
def reports() -> Iterator[list[str]]:
    """The reports of errors that views raise, as they are mailed."""
    found: list[str] = []

    def report(sender: Any, request: Any, **kwargs: Any) -> None:
        found.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    got_request_exception.connect(report)
    yield found
    got_request_exception.disconnect(report)


def fail(*args: Any, **kwargs: Any) -> Any:
    raise ZeroDivisionError


@guarded_by(Without(SafeExceptionReporterFilter, "get_post_parameters", lambda self, request: request.POST))
@pytest.mark.django_db
def test_the_report_of_an_error_shows_no_secret(
    public: Client, reports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseServer, "save", fail)
    monkeypatch.setattr(Engine, "name_for", fail)
    public.raise_request_exception = False
    given = {name: value for name, value in GIVEN.items() if name != "database_name"}
    assert public.post(f"{SERVERS}add/", given).status_code == 500
    assert public.post("/admin/multi_tenant/tenant/add/", {**given, "alias": "acme"}).status_code == 500
    assert [("ZeroDivisionError" in report, "hush-hush" in report) for report in reports] == [(True, False)] * 2


@pytest.mark.django_db
def test_who_may_only_look_sees_neither_secrets_nor_buttons(browser: Browser, frankfurt: Any, acme: Any) -> None:
    user = get_user_model().objects.create_user("boss@example.com", password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_tenant", "view_databaseserver"]))
    clerk = browser("example.com")
    answer = clerk.get(page_of(frankfurt))
    assert answer.status_code == 200
    assert silent(answer.text)
    tenant = f"/admin/multi_tenant/tenant/{acme.pk}/"
    assert "suspend" not in clerk.get(f"{tenant}change/").text
    assert clerk.get("/admin/multi_tenant/tenant/add/").status_code == 403
    assert {clerk.post(f"{tenant}{name}/").status_code for name in ("suspend", "delete", "entry")} == {403}


@pytest.mark.django_db
def test_an_undivided_site_opens_the_registry_to_no_tenant(acme: Any, rf: RequestFactory) -> None:
    site = AdminSite("undivided")
    register_registry(site)
    with tenant_context(acme):
        request = rf.get("/")
        request.user = get_user_model().objects.create_superuser("boss", "boss@example.com", PASSWORD)
        for admin in site._registry.values():
            assert not any(admin.get_model_perms(request).values())
            assert not admin.has_module_permission(request)
        assert site.get_app_list(request) == []


def test_a_tenant_on_its_own_server_gets_another_password(postgres_entry: dict[str, Any], public: Client) -> None:
    tenant = create_tenant("acme", entry=postgres_entry)
    retire("acme")
    page = f"/admin/multi_tenant/tenant/{tenant.pk}/entry/"
    assert page in public.get(f"/admin/multi_tenant/tenant/{tenant.pk}/change/").text
    assert postgres_entry["NAME"] not in public.get(page).text
    answer = public.post(page, {"password": "wrong-one", "user": "nobody-known"})
    assert "cannot be used" in answer.text
    assert "wrong-one" not in answer.text
    assert Tenant.objects.get().database == tenant.database
    assert "not marked" in public.post(page, {"database_name": "postgres"}).text
    password = postgres_entry["PASSWORD"] or "any"
    assert public.post(page, {"password": password}).status_code == 302
    assert Tenant.objects.get().database == {**tenant.database, "PASSWORD": password}
