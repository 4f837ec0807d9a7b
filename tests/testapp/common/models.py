"""Models that live in the public database and in each tenant."""

from __future__ import annotations

from django.db import models


class Country(models.Model):
    code = models.CharField(max_length=2)

    def __str__(self) -> str:
        return self.code


class City(models.Model):
    name = models.CharField(max_length=100)
    country = models.ForeignKey(Country, models.CASCADE, related_name="cities")

    def __str__(self) -> str:
        return self.name
