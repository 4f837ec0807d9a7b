"""The URLs of the public host."""

from __future__ import annotations

from django.urls import path

from sample_site.landing import views

urlpatterns = [
    path("", views.index, name="index"),
    path("healthz", views.health, name="health"),
]
