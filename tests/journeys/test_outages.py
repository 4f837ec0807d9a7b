"""Servers of databases that go away and come back while the site is visited; the site itself is never restarted."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet

from tests import servers
from tests.journeys.load import under_load
from tests.journeys.server import Server, gunicorn, uvicorn
from tests.journeys.site import REGISTRY_TTL, Site, deployment
from tests.promises.control import guarded_by
from tests.server_processes import ServerUnavailableError, postgres_programs

psycopg = pytest.importorskip("psycopg")
sql = pytest.importorskip("psycopg.sql")
stoppable = pytest.importorskip("tests.journeys.stoppable")

Serve = Callable[[Site], AbstractContextManager[Server]]
CANNOT_BE_READ = "version cannot be read"
PASSWORD = "a password of remote's"
CHANGED = "another one, that the registry does not know"
MAKE = """
import django

django.setup()

import json, sys
from multi_tenant.lifecycle import create_tenant

for alias, entry in json.load(sys.stdin).items():
    create_tenant(alias, entry=entry)
"""

#: The command alone has no process read anything again; what is changed afterwards does.
ROTATE = """
import django

django.setup()

from django.core.management import call_command
from django.db import transaction
from multi_tenant.registry.models import RegistryVersion

call_command("rotate_tenant_keys")
with transaction.atomic():
    RegistryVersion.bump()
"""


def control(**variables: str) -> Callable[[], AbstractContextManager[Any]]:
    """The site with other settings, under which the test has to fail."""

    def changed() -> AbstractContextManager[Any]:
        return patch.dict(os.environ, variables)

    changed.__name__ = " ".join(f"{name} {value}" for name, value in variables.items())
    return changed


def as_given(site: Site, **defaults: str) -> Site:
    """The site with these settings, or with those of the control."""
    given = {name: os.environ.get(name, value) for name, value in defaults.items()}
    return site.with_environment(**given)


def make_tenants(site: Site, entries: dict[str, Any]) -> None:
    site.python("-c", MAKE, given=json.dumps(entries))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A server that a test may stop."""
    try:
        postgres_programs()
    except ServerUnavailableError as reason:
        if "postgres" in servers.required_servers():
            raise
        pytest.skip(str(reason))
    with stoppable.StoppableServer() as server:
        yield server


def outage_site(directory: Any, prefix: str) -> Site:
    return deployment(directory, prefix).with_environment(
        DJANGO_SETTINGS_MODULE="tests.journeys.outage_settings", OUTAGE_STALE="300", OUTAGE_MAX_AGE="0"
    )


@pytest.fixture(scope="module")
def far(postgres: Any, prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose public database is on the server, and the tenants ``kept`` and ``late`` are not."""
    site = outage_site(tmp_path_factory.mktemp("far"), prefix).with_environment(DEMO_POSTGRES=postgres.url)
    site.manage("migrate", "--verbosity=0")
    directory = site.directory / "tenants"
    directory.mkdir()
    engine = "django.db.backends.sqlite3"
    make_tenants(site, {a: {"ENGINE": engine, "NAME": str(directory / f"{a}.sqlite3")} for a in ("kept", "late")})
    return site


@pytest.fixture(scope="module")
def near(postgres: Any, prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose public database is a file, as is that of ``neighbour``; ``remote`` has a login on the server."""
    site = outage_site(tmp_path_factory.mktemp("near"), prefix)
    site.manage("migrate", "--verbosity=0")
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE ROLE remote LOGIN CREATEDB PASSWORD {}").format(PASSWORD))
    place = urlsplit(postgres.url)
    entry = {"ENGINE": "django.db.backends.postgresql", "HOST": place.hostname, "PORT": place.port}
    login = {"NAME": "remote", "USER": "remote", "PASSWORD": PASSWORD}
    make_tenants(site, {"neighbour": None, "remote": {**entry, **login}})
    return site


def unavailable_everywhere(server: Server, alias: str) -> None:
    """Each worker comes to refuse the tenant, with a page that says when to come again."""
    silent = set(server.workers)

    def ask() -> bool:
        answer = server.fetch(alias)
        if answer.status == 503:
            assert answer.headers["Retry-After"] == str(int(REGISTRY_TTL))
            silent.discard(answer.worker)
        return not silent

    server.until(ask)


def served_everywhere(server: Server, alias: str) -> None:
    """Each worker comes to serve the tenant."""
    silent = set(server.workers)

    def ask() -> bool:
        answer = server.fetch(alias)
        assert answer.status in (200, 503), server.told(f"{alias} is answered with {answer.status}")
        if answer.status == 200:
            silent.discard(answer.worker)
        return not silent

    server.until(ask)


def told_of_outage(server: Server) -> int:
    return server.log.read_text(errors="replace").count(CANNOT_BE_READ)


def live_through(
    serve: Serve, site: Site, leave: Callable[[], None], come_back: Callable[[], None], *, lasts: float, again: int = 1
) -> None:
    """The public database goes away for so many seconds at least, and each worker has looked in vain.

    ``again`` says how often, in all, they have looked once more; visitors are served while that is due in any case.
    """
    with serve(site) as server, under_load(server, ["kept"]) as load:

        def is_enough(since: float) -> bool:
            if load.failures():
                return True  # and they are told in the end
            looks = told_of_outage(server) - len(server.workers)
            return time.monotonic() > since and load.served_since(since) == server.workers and looks >= again

        leave()
        left = time.monotonic()
        try:
            unavailable_everywhere(server, "late")
            next_look = time.monotonic() + REGISTRY_TTL
            server.expect("kept", 200)
            assert {server.fetch("", "/healthz").status for _ in range(4)} == {200}
            server.until(lambda: is_enough(max(left + lasts, next_look)), within=lasts + 60)
            polls = told_of_outage(server)
            # A worker looks once in a TTL; each of its threads by itself would look far more often.
            assert polls <= len(server.workers) * ((time.monotonic() - left) / REGISTRY_TTL + 1)
        finally:
            come_back()
        served_everywhere(server, "late")
        before = set(server.workers)
        server.expect("kept", 200)
    assert server.workers == before
    assert load.failures() == []


@guarded_by(control(OUTAGE_STALE="0"))
def test_cached_tenants_are_served_while_the_registry_is_away(far: Site, postgres: Any) -> None:
    postgres.start()
    site = as_given(far, OUTAGE_STALE="300")
    live_through(gunicorn, site, postgres.stop, postgres.start, lasts=0)


@guarded_by(control(OUTAGE_STALE="0"))
def test_so_they_are_while_the_registry_takes_connections_and_does_not_answer(far: Site, postgres: Any) -> None:
    postgres.start()
    # Each look waits for two seconds: that the others are served while one does is enough here.
    live_through(uvicorn, as_given(far, OUTAGE_STALE="300"), postgres.freeze, postgres.thaw, lasts=0, again=0)


@pytest.mark.soak
@pytest.mark.parametrize("serve", [gunicorn, uvicorn])
@pytest.mark.parametrize(
    ("kept", "leave", "come_back"),
    # A statement on a connection that was kept waits for a frozen server, and so does its visitor.
    [("0", "stop", "start"), ("600", "stop", "start"), ("0", "freeze", "thaw")],
)
def test_for_a_minute(far: Site, postgres: Any, serve: Serve, kept: str, leave: str, come_back: str) -> None:
    postgres.start()
    site = far.with_environment(OUTAGE_MAX_AGE=kept)
    live_through(serve, site, getattr(postgres, leave), getattr(postgres, come_back), lasts=60)


@guarded_by(control(OUTAGE_STALE="3600"))
def test_nothing_is_served_that_is_older_than_the_limit(far: Site, postgres: Any) -> None:
    postgres.start()
    limit = 1.5
    with gunicorn(as_given(far, OUTAGE_STALE=str(limit))) as server, under_load(server, ["kept"]) as load:
        postgres.stop()
        # What is known was read before: the server has answered nobody since.
        left = time.monotonic()
        try:
            server.until(lambda: time.monotonic() > left + limit)
            time_is_over = time.monotonic()
            server.until(lambda: any(visit.asked > time_is_over for visit in tuple(load.visits)))
            assert load.served_since(left + limit) == set()
            unavailable_everywhere(server, "kept")
        finally:
            postgres.start()
        served_everywhere(server, "kept")


@guarded_by(control(OUTAGE_WITHOUT_PAGES="1"))
def test_a_tenants_server_that_stops_is_an_outage_of_its_tenants_alone(near: Site, postgres: Any) -> None:
    postgres.start()
    with gunicorn(as_given(near, OUTAGE_WITHOUT_PAGES="")) as server, under_load(server, ["neighbour"]) as load:
        server.expect("remote", 200)
        postgres.stop()
        try:
            server.expect("remote", 503)
            unavailable_everywhere(server, "remote")
        finally:
            postgres.start()
        served_everywhere(server, "remote")
    assert load.failures() == []


def set_password(postgres: Any, password: str) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("ALTER ROLE remote PASSWORD {}").format(password))


@guarded_by(control(OUTAGE_WITHOUT_PAGES="1"))
def test_a_password_that_was_changed_on_the_server_is_an_outage_of_one_tenant(near: Site, postgres: Any) -> None:
    postgres.start()
    with gunicorn(as_given(near, OUTAGE_WITHOUT_PAGES="")) as server, under_load(server, ["neighbour"]) as load:
        server.expect("remote", 200)
        set_password(postgres, CHANGED)
        try:
            server.expect("remote", 503)
        finally:
            set_password(postgres, PASSWORD)
        server.expect("remote", 200)
    assert load.failures() == []
    log = server.log.read_text(errors="replace")
    assert "The database of 'remote' cannot be used: the login is refused." in log
    assert PASSWORD not in log
    assert CHANGED not in log


@guarded_by(control(OUTAGE_KEYS="former"))
def test_keys_rotate_while_tenants_are_visited(near: Site, postgres: Any) -> None:
    postgres.start()
    former, newest = near.environment["DEMO_ENCRYPTION_KEY"], Fernet.generate_key().decode()
    both = near.with_environment(DEMO_ENCRYPTION_KEY=f"{newest},{former}")
    with gunicorn(near if "OUTAGE_KEYS" in os.environ else both) as server:
        with under_load(server, ["neighbour", "remote"]) as load:
            both.python("-c", ROTATE)
            rotated = time.monotonic()
            server.until(lambda: load.served_since(rotated + REGISTRY_TTL) == server.workers or bool(load.failures()))
        try:
            assert load.failures() == []
        finally:
            near.with_environment(DEMO_ENCRYPTION_KEY=f"{former},{newest}").python("-c", ROTATE)


@pytest.fixture(scope="module")
def placed(far: Site, postgres: Any) -> Site:
    """The site with the tenant ``placed``, whose database and login are on the server, too."""
    postgres.start()
    make_tenants(far, {"placed": None})
    return far


def logins_of_tenants(postgres: Any, site: Site) -> set[str]:
    with psycopg.connect(postgres.url) as server:
        begin = site.environment["JOURNEY_PREFIX"]
        found = server.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin AND starts_with(rolname, %s)", [begin])
        return {name for (name,) in found}


def rotate_under_load(site: Site, postgres: Any, *, max_age: str) -> None:
    """One login is there before, another one afterwards, and no visitor has noticed."""
    postgres.start()
    served = as_given(site, JOURNEY_TTL=str(REGISTRY_TTL), OUTAGE_WITHOUT_ANOTHER_TRY="")
    wait = os.environ.get("OUTAGE_WAIT", "20")
    before = logins_of_tenants(postgres, site)
    try:
        with (
            gunicorn(served.with_environment(OUTAGE_MAX_AGE=max_age)) as server,
            under_load(server, ["placed"]) as load,
        ):
            site.manage("rotate_tenant_logins", "placed", "--silence=0.5", f"--wait={wait}")
            rotated = time.monotonic()
            server.until(lambda: load.served_since(rotated) == server.workers or bool(load.failures()))
        assert load.failures() == []
    except AssertionError:
        # The next test begins with one login.
        site.manage("rotate_tenant_logins", "placed", "--finish", "--silence=0", JOURNEY_TTL="0.1")
        raise
    after = logins_of_tenants(postgres, site)
    assert (len(before), len(after), len(before & after)) == (1, 1, 0)


# Who does not read the registry again goes on with the former login; the command need not wait for that so long.
@guarded_by(control(JOURNEY_TTL="3600", OUTAGE_WAIT="1"))
def test_a_login_rotates_while_its_tenant_is_visited(placed: Site, postgres: Any) -> None:
    rotate_under_load(placed, postgres, max_age="600")


# Here that is found out as soon as the former login is gone, unless that is taken away, too.
@guarded_by(control(JOURNEY_TTL="3600", OUTAGE_WITHOUT_ANOTHER_TRY="1", OUTAGE_WAIT="1"))
def test_so_it_does_where_each_request_connects_anew(placed: Site, postgres: Any) -> None:
    rotate_under_load(placed, postgres, max_age="0")
