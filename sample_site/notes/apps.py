from __future__ import annotations

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """A board of notes; its tables are in every tenant's database."""

    name = "sample_site.notes"

    def ready(self) -> None:
        from sample_site.notes import signals  # noqa: F401  # connects the receiver
