"""Each place's admin knows the models of that place, and nothing of the others."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import Resolver404

from multi_tenant.context import UNDECIDED_PLACE, fixed_context, public_context, tenant_context
from multi_tenant.contrib.admin import scope, sites
from multi_tenant.models import Tenant
from tests.promises.control import Without, guarded_by
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book

pytestmark = pytest.mark.django_db

#: The pages of a model, below its own.
PAGES = ("", "add/", "1/change/", "1/delete/", "1/history/", "1/")


def statuses(client: Client, model: str) -> set[int]:
    return {client.get(f"/admin/{model}/{page}").status_code for page in PAGES}


def listed(client: Client, page: str = "/admin/") -> set[str]:
    """The models that a page of the site lists."""
    context: Any = client.get(page).context
    return {model["object_name"] for app in context["app_list"] for model in app["models"]}


def everywhere(*args: Any) -> bool:
    return True


open_site = Without(scope, "fits", everywhere)


@guarded_by(open_site)
def test_in_a_tenant_the_index_lists_what_is_there(at_acme: Client) -> None:
    assert {"Author", "Book", "City", "Country"} <= listed(at_acme)
    assert not listed(at_acme) & {"Plan", "Tenant", "Domain", "DatabaseServer"}


def test_on_the_public_site_the_index_lists_what_is_there(public: Client) -> None:
    assert {"Plan", "City", "Country", "Tenant", "Domain", "DatabaseServer"} <= listed(public)
    assert not listed(public) & {"Author", "Book"}
    assert public.get("/admin/").context["available_apps"] == public.get("/admin/").context["app_list"]


@guarded_by(open_site)
def test_pages_of_shared_models_are_not_in_a_tenant(at_acme: Client) -> None:
    with public_context():
        Plan.objects.create(pk=1, name="gold")
    assert statuses(at_acme, "billing/plan") == {404}


@guarded_by(open_site)
def test_pages_of_the_registry_are_not_in_a_tenant(at_acme: Client) -> None:
    for model in ("tenant", "domain", "databaseserver"):
        assert statuses(at_acme, f"multi_tenant/{model}") == {404}


def test_pages_of_tenant_models_are_not_on_the_public_site(public: Client) -> None:
    assert statuses(public, "library/book") == {404}


def test_pages_are_there_where_their_models_are(public: Client, at_acme: Client, acme: Tenant) -> None:
    with public_context():
        Plan.objects.create(pk=1, name="gold")
    with tenant_context(acme):
        Author.objects.create(pk=1, name="ann")
    assert statuses(public, "billing/plan") == statuses(at_acme, "library/author") == {200, 302}


@guarded_by(open_site)
def test_pages_that_a_package_adds_are_kept_to_their_place(at_acme: Client) -> None:
    assert at_acme.get("/admin/billing/plan/prices/").status_code == 404


def test_pages_that_a_package_adds_are_there(public: Client) -> None:
    assert public.get("/admin/billing/plan/prices/").content == b"42"


def test_pages_of_apps_that_are_elsewhere_are_not_there(public: Client, at_acme: Client) -> None:
    assert public.get("/admin/library/").status_code == at_acme.get("/admin/billing/").status_code == 404
    assert public.get("/admin/billing/").status_code == at_acme.get("/admin/library/").status_code == 200


def test_who_is_not_signed_in_learns_nothing(at_acme: Client) -> None:
    stranger = Client(headers={"host": "acme.example.com"})
    shared, unknown = (stranger.get(f"/admin/{path}/") for path in ("billing/plan", "no/such"))
    assert shared.status_code == unknown.status_code == 302
    assert shared.headers["location"].partition("?")[0] == unknown.headers["location"].partition("?")[0]


def test_an_address_without_its_slash_leads_on_where_the_page_is(public: Client, at_acme: Client) -> None:
    assert public.get("/admin/billing/plan").status_code == 301
    assert at_acme.get("/admin/billing/plan").status_code == 404


def test_scripts_are_served_everywhere(public: Client, at_acme: Client) -> None:
    assert public.get("/admin/jsi18n/").status_code == at_acme.get("/admin/jsi18n/").status_code == 200


def ask(client: Client, field: str, site: str = "admin") -> Any:
    """What an autocomplete answers."""
    app_label, model_name, field_name = field.split(".")
    asked = {"app_label": app_label, "model_name": model_name, "field_name": field_name, "term": ""}
    return client.get(f"/{site}/autocomplete/", asked)


@guarded_by(open_site)
def test_autocompletes_of_elsewhere_are_closed(at_acme: Client) -> None:
    """The registry's own domains ask for tenants."""
    assert ask(at_acme, "multi_tenant.domain.tenant").status_code == 403


def test_autocompletes_of_tenants_are_closed_on_the_public_site(public: Client) -> None:
    assert ask(public, "library.book.author").status_code == 403


@guarded_by(open_site)
def test_autocompletes_for_elsewhere_are_closed(at_acme: Client) -> None:
    """A membership, which is in public, points at people, who are here too."""
    assert ask(at_acme, "multi_tenant_users.membership.user", "people").status_code == 403


def test_autocompletes_work_where_both_models_are(public: Client, at_acme: Client, acme: Tenant) -> None:
    with tenant_context(acme):
        Author.objects.create(pk=1, name="ann")
    assert ask(at_acme, "library.book.author").json()["results"] == [{"id": "1", "text": "ann"}]
    assert ask(public, "multi_tenant.domain.tenant").json()["results"] == [{"id": str(acme.pk), "text": "acme"}]


@guarded_by(Without(sites, "keep_inlines_here"))
def test_inlines_of_elsewhere_are_left_out(public: Client, at_acme: Client) -> None:
    """``keep_inlines_here`` ran when the site was made, so the control makes another."""
    people: Any = sites.TenantAdminSite("again")
    from tests.contrib.admin.urls import PeopleAdmin

    people.register(get_user_model(), PeopleAdmin)
    [admin] = people._registry.values()
    with tenant_context("acme"):
        assert admin.get_inline_instances(None) == []
    with public_context():
        assert len(admin.get_inline_instances(None)) == 1


def test_a_page_without_its_inlines_is_shown_and_saved(at_acme: Client, acme: Tenant) -> None:
    with tenant_context(acme):
        boss = get_user_model().objects.get()
    page = f"/people/{boss._meta.app_label}/{boss._meta.model_name}/{boss.pk}/change/"
    assert at_acme.get(page).context["inline_admin_formsets"] == []
    assert at_acme.post(page, {"first_name": boss.first_name}).status_code == 302


def shortcut(client: Client, model: Any, key: Any = 1) -> int:
    """The status of "view on site", under the key that a place has for a model's content type."""
    return client.get(f"/admin/r/{ContentType.objects.get_for_model(model).pk}/{key}/").status_code


@pytest.mark.parametrize("key", ["0", "x"])
def test_nothing_of_elsewhere_is_viewed_on_site(public: Client, at_acme: Client, key: str) -> None:
    with tenant_context("acme"):
        assert shortcut(at_acme, Plan) == shortcut(at_acme, Tenant, key) == 404
    assert shortcut(public, Book) == shortcut(public, Author, key) == 404
    assert public.get(f"/admin/r/{key}/1/").status_code == 404


def test_the_log_is_written_where_the_object_is(public: Client, at_acme: Client) -> None:
    """An object of a model that is in both places, and one of each place."""
    city = {"cities-TOTAL_FORMS": 0, "cities-INITIAL_FORMS": 0}
    assert public.post("/admin/common/country/add/", {"code": "at", **city}).status_code == 302
    assert public.post("/admin/billing/plan/add/", {"name": "gold"}).status_code == 302
    assert at_acme.post("/admin/common/country/add/", {"code": "nz", **city}).status_code == 302
    assert at_acme.post("/admin/library/author/add/", {"name": "ann"}).status_code == 302
    assert sorted(LogEntry.objects.values_list("object_repr", flat=True)) == ["at", "gold"]
    with tenant_context("acme"):
        assert sorted(LogEntry.objects.values_list("object_repr", flat=True)) == ["ann", "nz"]
        assert LogEntry.objects.filter(user=get_user_model().objects.get()).count() == 2


def test_the_log_of_a_place_is_shown_there(public: Client, at_acme: Client) -> None:
    public.post("/admin/billing/plan/add/", {"name": "gold"})
    at_acme.post("/admin/library/author/add/", {"name": "ann"})
    assert "gold" in public.get("/admin/").text
    assert "gold" not in at_acme.get("/admin/").text
    assert "ann" in at_acme.get("/admin/").text


def test_what_is_deleted_in_a_tenant_takes_along_what_is_there(at_acme: Client, acme: Tenant) -> None:
    with tenant_context(acme):
        country = Country.objects.create(code="at")
        City.objects.create(name="Vienna", country=country)
    page = f"/admin/common/country/{country.pk}/delete/"
    assert "Vienna" in at_acme.get(page).text
    assert at_acme.post(page, {"post": "yes"}).status_code == 302
    with tenant_context(acme):
        assert not City.objects.exists()


def test_a_site_of_another_package_is_divided_by_a_class_before_its_own() -> None:
    class Fancy(AdminSite):
        site_header = "Fancy"

    class FancyHere(sites.TenantAdminSite, Fancy):
        pass

    site = FancyHere("fancy")
    site.register(Plan)
    assert site.site_header == "Fancy"
    [resolver] = site.get_urls()
    assert resolver.resolve("billing/plan/").url_name == "billing_plan_changelist"
    with fixed_context(UNDECIDED_PLACE), pytest.raises(Resolver404):
        resolver.resolve("billing/plan/")


def test_the_admin_is_closed_where_its_own_tables_are_not(public: Client, settings: Any, configure: Any) -> None:
    shared = [app for app in settings.MULTI_TENANT["SHARED_APPS"] if app != "django.contrib.admin"]
    configure(SHARED_APPS=shared)
    assert public.get("/admin/").status_code == public.get("/admin/login/").status_code == 404
