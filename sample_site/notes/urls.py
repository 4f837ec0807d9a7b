from __future__ import annotations

from django.urls import path

from sample_site.notes import views

urlpatterns = [
    path("", views.board, name="board"),
    path("notes/<int:pk>/delete/", views.delete, name="delete"),
]
