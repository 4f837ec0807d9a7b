"""Where the crowd's views are."""

from __future__ import annotations

from django.urls import path

from tests.journeys.crowd import views

urlpatterns = [
    path("healthz", views.health),
    path("class/", views.TitlesOfClass.as_view()),
    path("asking/", views.asking),
    path("aasking/", views.aasking),
    path("writing/", views.writing),
    path("failing/", views.failing),
    path("stream/<kind>/", views.stream),
    path("astream/<kind>/", views.astream),
    path("endless/<kind>/", views.endless),
    path("session/", views.session),
]
