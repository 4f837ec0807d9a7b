"""What the tenants of the benchmarks are called; the same on both ends of a connection."""

from __future__ import annotations

DOMAIN = "example.test"


def alias_of(number: int) -> str:
    """The alias of a tenant, which is its schema's name too."""
    return f"t{number}"


def host_of(alias: str) -> str:
    """The host that leads to it."""
    return f"{alias}.{DOMAIN}"
