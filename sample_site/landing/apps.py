from __future__ import annotations

from django.apps import AppConfig


class LandingConfig(AppConfig):
    """The public site: a page that lists the tenants. It has no models."""

    name = "sample_site.landing"
