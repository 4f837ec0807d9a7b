"""Models that live in tenants only."""

from __future__ import annotations

from typing import Any

from django.db import models

from multi_tenant.references import PublicForeignKey


class Author(models.Model):
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    word = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.word


class Book(models.Model):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    tags = models.ManyToManyField(Tag, related_name="books")

    def __str__(self) -> str:
        return self.title


class Card(models.Model):
    holder = models.CharField(max_length=100)
    plan: PublicForeignKey[Any, Any] = PublicForeignKey("billing.Plan", models.PROTECT)
    sponsor: PublicForeignKey[Any, Any] = PublicForeignKey(
        "billing.Sponsor", models.SET_NULL, null=True, blank=True, limit_choices_to={"active": True}
    )
    offer: PublicForeignKey[Any, Any] = PublicForeignKey(
        "billing.Offer", models.CASCADE, to_field="code", null=True, blank=True
    )

    def __str__(self) -> str:
        return self.holder
