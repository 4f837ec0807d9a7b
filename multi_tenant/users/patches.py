"""Every change made to Django's auth, each with its reason, the versions it is for, and how it is undone."""

from __future__ import annotations


def install() -> None:
    """Put the changes in place."""
