"""The process models that the crowd is served by: what is started, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.journeys.server import Server, running
from tests.journeys.site import Site

WSGI = "tests.journeys.crowd.wsgi"
ASGI = "tests.journeys.crowd.asgi:application"


@dataclass(frozen=True)
class Model:
    """A way to run the site: the packages it takes, its command, its workers, and the kind of its longest body."""

    packages: tuple[str, ...]
    command: Callable[[int], list[str]]
    workers: int = 1
    endless: str = "sync"
    forks_after_use: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def serving(self, site: Site, reports: Path, *, fault: str = "") -> Iterator[Server]:
        """Serve the site, without one of its guards if asked; the first that each worker is asked for is a tenant."""
        for package in self.packages:
            if find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
        environment = {
            **site.environment,
            "DJANGO_SETTINGS_MODULE": "tests.journeys.crowd.settings",
            "CROWD_REPORTS": str(reports),
            "CROWD_FAULT": fault,
            **self.variables,
        }
        with running(replace(site, directory=reports, environment=environment), "server", self.command) as server:
            yield server


def gunicorn(*options: str) -> Callable[[int], list[str]]:
    def command(descriptor: int) -> list[str]:
        conf = ["--config", "python:sample_site.gunicorn_conf", "--bind", f"fd://{descriptor}", "--timeout=120"]
        return ["gunicorn", *conf, *options, WSGI]

    return command


def uvicorn(descriptor: int) -> list[str]:
    return ["uvicorn", "--fd", str(descriptor), "--lifespan", "off", "--log-level", "warning", ASGI]


def daphne(descriptor: int) -> list[str]:
    return ["daphne", "--fd", str(descriptor), "--verbosity", "0", ASGI]


MODELS = {
    "prefork": Model(
        ("gunicorn",),
        gunicorn("--worker-class=sync", "--threads=1", "--preload"),
        workers=2,
        forks_after_use=True,
        variables={"CROWD_FORKS_AFTER_USE": "yes", "CROWD_CONN_MAX_AGE": "600"},
    ),
    "threads": Model(("gunicorn",), gunicorn("--worker-class=gthread", "--threads=4"), workers=2),
    "gevent": Model(("gunicorn", "gevent"), gunicorn("--worker-class=gevent", "--workers=1")),
    "uvicorn": Model(("uvicorn",), uvicorn, endless="async"),
    "daphne": Model(("daphne",), daphne, endless="async"),
}
