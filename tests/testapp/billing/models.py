"""Models that live in the public database only."""

from __future__ import annotations

import uuid

from django.db import models


class Plan(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Sponsor(models.Model):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Offer(models.Model):
    code = models.CharField(max_length=20, unique=True)
    sponsor = models.ForeignKey(Sponsor, models.CASCADE, null=True, related_name="offers")

    def __str__(self) -> str:
        return self.code
