"""The URLs of every peer."""

from __future__ import annotations

from django.urls import path

from benchmarks.project.shop.views import board, found

urlpatterns = [path("", board), path("found/", found)]
