"""A model that lives in the public database only."""

from __future__ import annotations

from django.db import models


class Plan(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name
