"""The registry on the public site: tenants are made, stopped, migrated and deleted from there, whatever may fail."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import resolve

from multi_tenant.conf import conf
from multi_tenant.context import public_context
from multi_tenant.lifecycle import suspend
from multi_tenant.models import Domain, Tenant
from tests import fleets
from tests.fleets import leftovers as leftovers
from tests.fleets import registry as registry
from tests.promises.control import Removal, guarded_by

TENANTS = "/admin/multi_tenant/tenant/"


@pytest.fixture(autouse=True)
def atomic_requests(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each view is in a transaction unless it says otherwise."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


@pytest.fixture
def acme(registry: None) -> Any:
    return fleets.made("acme", None)


def page_of(tenant: Any, name: str = "change") -> str:
    return f"{TENANTS}{tenant.pk}/{name}/"


def told(answer: Any) -> str:
    """What a page tells after it was sent a form: its messages, or the form's errors."""
    assert answer.status_code in (200, 302), answer.status_code
    if answer.status_code == 200:
        return str(answer.context["adminform"].form.errors)
    return " ".join(str(message) for message in answer.wsgi_request._messages._queued_messages)


def logged() -> list[str]:
    with public_context():
        return [entry.get_change_message() for entry in LogEntry.objects.order_by("action_time")]


def in_a_transaction(page: str) -> Removal:
    """A control in which a page is in the request's transaction like any other."""

    def removal() -> AbstractContextManager[Any]:
        with public_context():
            view = resolve(f"{TENANTS}{page}", "tests.contrib.admin.urls").func
        return patch.object(view, "_non_atomic_requests", set())

    return removal


@guarded_by(in_a_transaction("add/"))
def test_a_tenant_is_created(public: Client) -> None:
    given = {"alias": "acme", "name": "Acme", "domains": "Acme.example\nwww.acme.example"}
    answer = public.post(f"{TENANTS}add/", given)
    assert answer.status_code == 302, told(answer)
    tenant = Tenant.objects.get(alias="acme")
    assert (answer.headers["location"], tenant.state, tenant.name) == (page_of(tenant), "active", "Acme")
    assert sorted(Domain.objects.values_list("host", flat=True)) == ["acme.example", "www.acme.example"]
    assert logged() == ["Added."]


#: Forms for new tenants that are refused, and what is told.
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"alias": "Not one"}, "is not an alias"),
    ({"alias": "acme"}, "There is a tenant"),
    ({"alias": "bolt", "domains": "example.com"}, "public site"),
    ({"alias": "bolt", "domains": "no host!"}, "host"),
    ({"alias": "bolt", "engine": "django.db.backends.sqlite3", "database_name": "/etc/passwd"}, "SQLITE_DIR"),
    ({"alias": "bolt", "engine": "made.up"}, "valid choice"),
    ({"alias": "bolt", "more": '{"OPTIONS": {"init_command": "hush-hush"}}'}, "may not be set"),
    ({"alias": "bolt", "more": '["hush-hush"]'}, "not a JSON object"),
    ({"alias": "bolt", "more": '{"PASSWORD": "hush-hush"}'}, "a field of its own"),
    ({"alias": "bolt", "more": '{"ROLE": "hush-hush"}'}, "may not be set"),
]


def test_what_cannot_be_created_is_told_and_no_secret_is_repeated(public: Client, acme: Any) -> None:
    for given, reason in REFUSED:
        answer = public.post(f"{TENANTS}add/", {"password": "hush-hush", "user": "u", **given})
        assert reason in told(answer)
        assert "hush-hush" not in answer.text
    assert [tenant.alias for tenant in Tenant.objects.all()] == ["acme"]
    assert logged() == []


@guarded_by(in_a_transaction("x/suspend/"))
def test_a_tenant_is_suspended_and_resumed(public: Client, acme: Any) -> None:
    assert page_of(acme, "suspend") in public.get(page_of(acme)).text
    assert "within a few seconds" in public.get(page_of(acme, "suspend")).text
    assert told(public.post(page_of(acme, "suspend"))) == "acme: Suspended."
    assert Tenant.objects.get().state == "suspended"
    assert told(public.post(page_of(acme, "resume"))) == "acme: Resumed."
    assert Tenant.objects.get().state == "active"
    assert logged() == ["Suspended.", "Resumed."]


def test_what_a_tenant_is_not_in_the_state_for_is_not_offered_and_told(public: Client, acme: Any) -> None:
    assert page_of(acme, "finish") not in public.get(page_of(acme)).text
    suspend("acme")
    assert "lacks migrations" not in told(public.post(page_of(acme, "suspend")))
    Tenant.objects.update(fingerprint="of earlier code")
    assert "lacks migrations" in told(public.post(page_of(acme, "resume")))


def test_a_tenant_is_migrated(public: Client, acme: Any) -> None:
    assert told(public.post(page_of(acme, "migrate"))) == "acme: No migrations were missing."
    fleets.put_behind("acme")
    assert told(public.post(page_of(acme, "migrate"))) == "acme: Migrated: library.0001_initial."


def test_a_migration_that_fails_is_told(public: Client, acme: Any) -> None:
    fleets.break_migrations("acme")
    assert "could not be migrated" in told(public.post(page_of(acme, "migrate")))
    assert logged() == []


def test_a_half_made_tenant_is_finished(public: Client) -> None:
    tenant = Tenant.objects.create(alias="acme")
    assert told(public.post(page_of(tenant, "finish"))) == "acme: Finished; it is active."


@guarded_by(in_a_transaction(""))
def test_several_tenants_are_suspended_at_once(public: Client, acme: Any) -> None:
    bolt = Tenant.objects.create(alias="bolt")
    chosen = {"action": "suspend_selected", "_selected_action": [str(acme.pk), str(bolt.pk)]}
    answer = told(public.post(TENANTS, chosen))
    assert "acme: Suspended." in answer
    assert "'bolt' is pending" in answer


def test_no_row_is_deleted_with_its_database_left_behind(public: Client, acme: Any) -> None:
    page = public.get(TENANTS)
    assert {choice for choice, _ in page.context["action_form"].fields["action"].choices} == {
        "",
        "suspend_selected",
        "resume_selected",
        "migrate_selected",
    }
    public.post(TENANTS, {"action": "delete_selected", "_selected_action": [str(acme.pk)], "post": "yes"})
    assert Tenant.objects.get().state == "active"


@guarded_by(in_a_transaction("x/delete/"))
def test_a_tenant_is_deleted_when_its_alias_is_typed(public: Client, acme: Any) -> None:
    page = page_of(acme, "delete")
    assert "not the tenant" in told(public.post(page, {"alias": "bolt", "archive": "on", "force": "on"}))
    assert "is active" in told(public.post(page, {"alias": "acme", "archive": "on"}))
    assert Tenant.objects.get().state == "active"
    answer = public.post(page, {"alias": "acme", "archive": "on", "force": "on"})
    assert told(answer) == "Tenant acme was deleted."
    assert Tenant.objects.get().state == "deleted"
    assert len([path for path in conf.ARCHIVE_DIR.iterdir() if path.name.startswith("acme")]) == 1
    assert told(public.post(page, {"alias": "acme"})) == "Tenant acme was deleted."
    assert not Tenant.objects.exists()
    assert logged()[0] == "Deleted."


def test_a_tenant_is_deleted_and_purged_at_once_without_an_archive(public: Client, acme: Any) -> None:
    before = set(conf.ARCHIVE_DIR.glob("*"))
    public.post(page_of(acme, "delete"), {"alias": "acme", "force": "on", "purge": "on"})
    assert not Tenant.objects.exists()
    assert set(conf.ARCHIVE_DIR.glob("*")) == before


def test_pages_of_no_tenant_are_not_there(public: Client, acme: Any) -> None:
    Tenant.objects.create(alias="bolt").delete()
    for name in ("suspend", "delete", "entry"):
        assert public.get(f"{TENANTS}{Tenant().pk}/{name}/").status_code == 404
    assert public.get(page_of(acme, "entry")).status_code == 404  # it is on the public server


def test_the_list_tells_states_places_and_domains(public: Client, acme: Any) -> None:
    Domain.objects.create(tenant=acme, host="acme.example")
    page = public.get(TENANTS).text
    assert "acme.example" in page
    assert "the public database" in page
    assert "active" in page


def test_a_name_and_domains_are_changed_on_a_tenants_page(public: Client, acme: Any) -> None:
    inline = {"domains-TOTAL_FORMS": 1, "domains-INITIAL_FORMS": 0, "domains-0-tenant": str(acme.pk)}
    answer = public.post(page_of(acme), {"name": "Acme", **inline, "domains-0-host": "EXAMPLE.com"})
    assert "host of the public site" in answer.text
    assert public.post(page_of(acme), {"name": "Acme", **inline, "domains-0-host": "acme.example"}).status_code == 302
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.state, tenant.database) == ("Acme", "active", acme.database)
    assert Domain.objects.get().host == "acme.example"


def test_a_domain_is_added_by_itself(public: Client, acme: Any) -> None:
    given = {"tenant": str(acme.pk), "host": "acme.example"}
    assert public.get("/admin/multi_tenant/domain/add/").status_code == 200
    assert public.post("/admin/multi_tenant/domain/add/", given).status_code == 302
    assert "acme.example" in public.get("/admin/multi_tenant/domain/").text
