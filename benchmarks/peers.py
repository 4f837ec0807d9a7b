"""Who is compared: each peer's settings, its site, and the environment that it runs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

DJANGO_TENANTS = "django-tenants==4.0.1"
DJANGO_PGSCHEMAS = "django-pgschemas==1.1.1"
#: What every peer runs on, in the versions that the harness itself has.
COMMON = ("Django", "asgiref", "sqlparse", "psycopg", "psycopg-binary", "gunicorn")
PLAIN = "plain Django"


@dataclass(frozen=True)
class Peer:
    """One way to serve tenants. ``options`` go to its configuration."""

    title: str
    site: str
    settings: str = ""
    requirements: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of the site's module, which names its databases and its environment too."""
        return self.site.split(".")[-2]

    @property
    def everything(self) -> list[str]:
        """All that its environment holds, pinned."""
        return [*(f"{name}=={version(name)}" for name in COMMON), *self.requirements]


plain = Peer(PLAIN, "benchmarks.sites.plain.Plain", "benchmarks.project.settings.plain")
static = Peer("static DATABASES", "benchmarks.sites.static.Static", "benchmarks.project.settings.static")
ours = Peer(
    "django-multi-tenant",
    "benchmarks.sites.ours.Ours",
    "benchmarks.project.settings.ours",
    (f"cryptography=={version('cryptography')}",),
)
tenants = Peer(
    "django-tenants", "benchmarks.sites.tenants.Tenants", "benchmarks.project.settings.tenants", (DJANGO_TENANTS,)
)
pgschemas = Peer(
    "django-pgschemas",
    "benchmarks.sites.pgschemas.PgSchemas",
    "benchmarks.project.settings.pgschemas",
    (DJANGO_PGSCHEMAS,),
)
raw = Peer("raw clone", "benchmarks.sites.raw.Raw")


def variant(peer: Peer, title: str, **options: Any) -> Peer:
    """The same peer with other options."""
    return Peer(f"{peer.title}, {title}", peer.site, peer.settings, peer.requirements, {**peer.options, **options})
