"""Django without tenancy."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.core.management import call_command

from benchmarks.project.shop.rows import fill
from benchmarks.sites.base import Site


class Plain(Site):
    """One database for all hosts."""

    def prepare(self, count: int) -> list[str]:
        call_command("migrate", verbosity=0)
        fill("plain")
        return []

    def inside(self, alias: str) -> AbstractContextManager[None]:
        return nullcontext()

    def expected(self, number: int) -> str:
        return "plain"
