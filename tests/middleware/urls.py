"""Where the views of these tests are."""

from __future__ import annotations

from django.urls import path

from tests.middleware import views

urlpatterns = [
    path("", views.where, name="where"),
    path("a/", views.awhere),
    path("healthz", views.where),
    path("authors/", views.authors),
    path("aauthors/", views.aauthors),
    path("add_and_fail/", views.add_and_fail),
    path("lazy/", views.lazy),
    path("stream/<kind>/", views.stream),
    path("astream/<kind>/", views.astream),
]
