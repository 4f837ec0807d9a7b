"""The URLs of the public host."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from sample_site.landing import views

urlpatterns = [
    path("", views.index, name="index"),
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(next_page="index"), name="login"),
    path("logout/", LogoutView.as_view(next_page="index"), name="logout"),
    path("people/", include("multi_tenant.users.urls")),
    path("healthz", views.health, name="health"),
]
