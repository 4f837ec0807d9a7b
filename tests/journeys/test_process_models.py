"""On each kind of server, many clients of mixed tenants get what is their tenant's, and nothing is left behind."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.journeys.crowd import FILES, SERVED, STEPS, TENANTS
from tests.journeys.crowd.load import Page, crowd, go_away
from tests.journeys.crowd.models import MODELS, Model
from tests.journeys.server import Server
from tests.journeys.site import TIMEOUT_SECONDS, Site
from tests.settings import PUBLIC

PATHS = (
    "/class/",
    "/asking/",
    "/aasking/",
    "/writing/",
    "/failing/",
    "/stream/sync/",
    "/stream/async/",
    "/astream/sync/",
    "/astream/async/",
)
#: gevent has all greenlets in one thread, and an event loop takes the whole of it.
SYNC_PATHS = ("/class/", "/asking/", "/writing/", "/failing/", "/stream/sync/")
LEFT = 3
#: How long a control waits for what does not happen.
SHORT_SECONDS = 3
Sessions = Callable[[], int]
CREATE = """
import django, json, sys

django.setup()

from multi_tenant import tenant_context
from multi_tenant.lifecycle import create_tenant
from sample_site.notes.models import Note

for alias, entry in json.load(sys.stdin).items():
    create_tenant(alias, entry=entry)
    with tenant_context(alias):
        assert Note.objects.filter(pk=1).update(title=alias)
"""


@pytest.fixture(scope="session")
def postgres(prefix: str, postgres_url: str) -> Iterator[Any]:
    """The functions on the tests' PostgreSQL; at the end what the journey made there is dropped."""
    module = pytest.importorskip("tests.journeys.postgres")
    yield module
    module.drop(postgres_url, prefix=prefix)


@pytest.fixture(scope="session")
def town(site: Site, prefix: str, postgres: Any, postgres_url: str) -> Site:
    """The site with two tenants on each engine; each has a note with the key 1 that bears its name."""
    entries: dict[str, Any] = {
        alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{alias}.sqlite3"} for alias in FILES
    }
    for alias in SERVED:
        entries[alias] = servers.database_entry(postgres_url, name=f"{prefix}{alias}".replace("-", "_"))
    site.python("-c", CREATE, given=json.dumps(entries))
    return site


@pytest.mark.parametrize("name", MODELS if PUBLIC == "sqlite" else ("threads", "uvicorn"))
def test_a_crowd_of_tenants_is_served(name: str, town: Site, tmp_path: Path, sessions: Sessions) -> None:
    model = MODELS[name]
    with model.serving(town, tmp_path) as server:
        Judge(model, server, tmp_path, sessions).judge(SYNC_PATHS if name == "gevent" else PATHS)


#: Without which guard a server is started, what it is asked for then, and what is found.
CONTROLS: dict[tuple[str, str], tuple[Sequence[str], str]] = {
    ("prefork", "inherited"): (PATHS, "sessions are shared"),
    ("threads", "never_left"): (("/asking/",), "a place was left behind"),
    ("threads", "left_open"): (("/asking/",), "sessions are left open"),
    ("threads", "imported_in_a_tenant"): (("/class/",), "pages are wrong"),
    ("gevent", "shared_by_all"): (("/asking/",), "pages are wrong"),
    ("uvicorn", "shared_by_all"): (("/asking/", "/aasking/"), "pages are wrong"),
    ("uvicorn", "bodies_let_go"): (("/stream/sync/", "/astream/async/"), "pages are wrong"),
    ("daphne", "shared_by_all"): (("/asking/", "/aasking/"), "pages are wrong"),
}


@pytest.mark.parametrize(("name", "fault"), CONTROLS)
def test_a_server_without_a_guard_is_found_out(
    name: str, fault: str, town: Site, tmp_path: Path, sessions: Sessions
) -> None:
    """The control."""
    paths, found = CONTROLS[name, fault]
    with MODELS[name].serving(town, tmp_path, fault=fault) as server, pytest.raises(AssertionError, match=found):
        Judge(MODELS[name], server, tmp_path, sessions, patience=SHORT_SECONDS).judge(paths)


@pytest.fixture
def sessions(postgres_url: str, prefix: str) -> Iterator[Sessions]:
    """Counts the sessions that are open in the journey's databases on the server."""
    psycopg = pytest.importorskip("psycopg")
    query = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(datname, %s) AND backend_type = 'client backend'"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield lambda: connection.execute(query, [prefix]).fetchone()[0]


@dataclass(frozen=True)
class Judge:
    """Looks at all that a server answers and leaves behind."""

    model: Model
    server: Server
    reports: Path
    sessions: Sessions
    patience: float = TIMEOUT_SECONDS

    def judge(self, paths: Sequence[str]) -> None:
        """Have a crowd served."""
        self.server.until(lambda: self.sessions() == 0, told="others' sessions stay open")
        self.server.meet(count=self.model.workers, alias=TENANTS[0], path="/class/")
        if self.model.forks_after_use:
            self.each_worker_has_sessions_of_its_own()
        pages = crowd(self.server, TENANTS, paths)
        self.each_page_is_its_tenants(pages)
        self.no_place_is_left_behind(pages)
        self.clients_may_go_away()
        if not self.model.forks_after_use:
            self.no_session_is_left_open()

    def each_worker_has_sessions_of_its_own(self) -> None:
        """Workers that were forked after use talk to PostgreSQL neither as their parent nor as each other."""
        owners: dict[int, set[str]] = defaultdict(set)

        def ask() -> bool:
            for alias in SERVED:
                answer = self.server.fetch(alias, "/session/")
                assert answer.status == 200, self.server.told(f"{alias} is answered with {answer.status}")
                facts = json.loads(answer.text)
                owners[facts["session"]].add(answer.worker)
                for session in facts["parents"]:
                    owners[session].add("parent")
            return {worker for workers in owners.values() for worker in workers} == {*self.server.workers, "parent"}

        self.server.until(ask)
        assert all(len(workers) == 1 for workers in owners.values()), f"sessions are shared: {owners}"

    def each_page_is_its_tenants(self, pages: list[Page]) -> None:
        strange = [page for page in pages if not is_its_tenants(page)]
        told = f"{len(strange)} of {len(pages)} pages are wrong, as {strange[:1]}"
        assert not strange, self.server.told(told)

    def no_place_is_left_behind(self, pages: list[Page]) -> None:
        """A worker is at the place where a process or a thread begins, whomever it served before."""
        found = {page.before for page in pages} - {"public", "None"} | set(noted(self.reports, "left"))
        assert not found, f"a place was left behind: {found}"

    def clients_may_go_away(self) -> None:
        """A body whose client is gone is closed in its tenant, too."""
        before = noted(self.reports, "closed")
        for alias in TENANTS * LEFT:
            assert f"{alias}={alias}" in go_away(self.server, alias, f"/endless/{self.model.endless}/")
        self.server.until(lambda: len(noted(self.reports, "closed")) >= len(before) + LEFT * len(TENANTS))
        assert Counter(noted(self.reports, "closed")) - Counter(before) == Counter(TENANTS * LEFT)

    def no_session_is_left_open(self) -> None:
        """Where connections are not kept, each is closed with its request, and with its thread."""
        self.server.until(lambda: self.sessions() == 0, within=self.patience, told="sessions are left open")


def is_its_tenants(page: Page) -> bool:
    if page.path == "/failing/":
        return page.status == 500
    if page.status != 200:
        return False
    if "stream" in page.path:
        return page.text == f"{page.alias}={page.alias} " * STEPS
    facts = json.loads(page.text)
    return {*facts["places"], *facts["titles"], facts.get("text", page.alias)} == {page.alias}


def noted(reports: Path, what: str) -> list[str]:
    """The lines that the server's workers noted."""
    file = reports / what
    return file.read_text().splitlines() if file.exists() else []
