"""Models that live in tenants only, and point to people or extend them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models

User = get_user_model()


class Note(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notes")
    text = models.CharField(max_length=100, default="")

    def __str__(self) -> str:
        return self.text


class Desk(models.Model):
    def __str__(self) -> str:
        return str(self.pk)


class Employee(User):  # type: ignore[misc, valid-type]  # the class that the settings name
    """A table of its own beside that of the people."""

    desk = models.ForeignKey(Desk, models.CASCADE, null=True, related_name="+")


class Ally(User):  # type: ignore[misc, valid-type]  # as above
    class Meta:
        proxy = True
