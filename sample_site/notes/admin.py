from __future__ import annotations

from django.contrib import admin

from sample_site.notes.models import Note


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own takes no argument
    list_display = ("title", "author", "created_at")
    list_filter = ("author",)
    search_fields = ("title", "text")
