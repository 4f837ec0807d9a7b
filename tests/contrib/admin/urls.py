"""Admin sites as projects and third parties make them: nothing here knows of tenants but the site's class."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import path

from multi_tenant.contrib.admin import TenantAdminSite
from multi_tenant.users.models import Membership
from tests.testapp.billing.models import Plan
from tests.testapp.common.models import City, Country
from tests.testapp.library.models import Author, Book


@admin.register(Author, City)
class SearchedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own takes no argument
    search_fields = ("name",)
    ordering = ("name",)


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    search_fields = ("name",)
    actions = None

    def get_urls(self) -> list[Any]:
        # Some packages forget `admin_view`.
        return [path("prices/", self.prices, name="prices"), *super().get_urls()]

    def prices(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("42")


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    autocomplete_fields = ("author",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return Book.objects.exists() or super().has_module_permission(request)


class CityInline(admin.TabularInline):  # type: ignore[type-arg]  # as above
    model = City


@admin.register(Country)
class CountryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    search_fields = ("code",)
    inlines = (CityInline,)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # as above
    model = Membership


class PeopleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    fields = ("first_name",)
    search_fields = ("username",)
    ordering = ("username",)
    inlines = (MembershipInline,)


#: A further site, for one model of both places with an inline of one.
people = TenantAdminSite("people")
people.register(get_user_model(), PeopleAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("people/", people.urls)]
