from __future__ import annotations

from django.conf import settings
from django.db import models


class Note(models.Model):
    """A note on the tenant's board; one without an author is the site's own."""

    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField("written", auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.title
