"""The tutorial is followed to its end: its files are written, its commands typed, its pages opened."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.pages import DOCS, ROOT, Reader, blocks_of

SECONDS = 30
TUTORIAL = DOCS / "tutorial.md"
SERVE = "python manage.py runserver 8000"


class Browser:
    """A browser at one tenant's site, with cookies of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.address = f"http://127.0.0.1:{port}"
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def open(self, path: str, **form: str) -> tuple[int, str]:
        """The status and the text of a page; with a form, it is posted."""
        data = urlencode(form).encode() if form else None
        request = Request(
            f"{self.address}{path}", data, headers={"Host": f"{self.host}:{self.address.rpartition(':')[2]}"}
        )
        try:
            with self.opener.open(request, timeout=SECONDS) as response:
                return response.status, response.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def submit(self, path: str, **form: str) -> tuple[int, str]:
        """Open a page with a form, fill it in, and send it."""
        page = self.open(path)[1]
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
        return self.open(path, csrfmiddlewaretoken=token, **form)

    def sign_in(self, username: str, password: str) -> bool:
        page = self.submit("/admin/login/?next=/admin/", username=username, password=password)[1]
        return "Log out" in page

    def eventually(self, status: int) -> bool:
        """Whether the first page comes to be answered with a status."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.open("/")[0] == status:
                return True
            time.sleep(0.1)
        return False


@contextmanager
def serving(reader: Reader) -> Iterator[int]:
    """The tutorial's server on a free port, from the moment it answers until the end of the block."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = int(taken.getsockname()[1])
    server = reader.start(f"{SERVE.replace('8000', str(port))} --noreload")
    try:
        wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(SECONDS)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            Browser("localhost", port).open("/")
        except URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("The tutorial's server did not start.")


def test_the_tutorial_leads_to_tenants_that_are_served(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    steps = reader.read(TUTORIAL)
    go_on(steps, until=SERVE)
    with serving(reader) as port:
        write_notes(port)
        assert "Acme Ltd" in Browser("localhost", port).open("/")[1]
        go_on(steps, until="python manage.py create_tenant initech --name Initech --domain initech.localhost")
        initech = Browser("initech.localhost", port)
        assert initech.eventually(200)
        go_on(steps, until="python manage.py delete_tenant initech --force --no-input")
        assert initech.eventually(404)
        assert list(steps) == ["python count.py"]
    assert refused_as_promised(reader)


def go_on(steps: Iterator[str], *, until: str) -> None:
    """Take the steps up to a command."""
    assert until in steps, f"The tutorial does not come to `{until}`."


def write_notes(port: int) -> None:
    """Sign in at each tenant with the account that the tutorial made, and write a note; the neighbour's is no use."""
    page = TUTORIAL.read_text(encoding="utf-8")
    accounts = re.findall(r"DJANGO_SUPERUSER_PASSWORD=(\w+) .* tenant_command (\w+) .* --username (\w+)", page)
    texts = {"acme": "Beep", "globex": "Doh"}
    assert {tenant for _, tenant, _ in accounts} == set(texts)
    for password, tenant, username in accounts:
        [neighbour] = texts.keys() - {tenant}
        assert not Browser(f"{neighbour}.localhost", port).sign_in(username, password)
        browser = Browser(f"{tenant}.localhost", port)
        assert "None yet." in browser.open("/")[1]
        assert browser.sign_in(username, password)
        browser.submit("/admin/notes/note/add/", text=texts[tenant])
        assert texts[tenant] in browser.open("/")[1]


def refused_as_promised(reader: Reader) -> bool:
    """Whether the README's example, run in the tutorial's project, gets to its last line and is refused there."""
    [example] = [block for block in blocks_of(ROOT / "README.md") if block.language == "python"]
    last_line = example.text.splitlines()[-1]
    (reader.directory / "example.py").write_text(SCRIPT + example.text)
    with pytest.raises(AssertionError) as refused:
        reader.type("python example.py")
    said = str(refused.value)
    return last_line in said and "NoTenantError: notes.Note was asked for on the public site" in said


@pytest.fixture
def project(tmp_path: Path) -> Reader:
    """The tutorial's project, with its two tenants."""
    reader = Reader(tmp_path)
    go_on(reader.read(TUTORIAL), until="python manage.py list_tenants")
    return reader


def test_the_settings_of_the_readme_are_all_that_a_new_project_needs(
    project: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    [example] = [block for block in blocks_of(ROOT / "README.md") if block.language == "py"]
    stock = (project.directory / "board" / "settings.py").read_text().partition('ALLOWED_HOSTS = [".localhost')[0]
    (project.directory / "board" / "readme.py").write_text(f"import os\n{stock}\n{example.text}")
    monkeypatch.setenv("TENANT_KEY", (project.directory / "tenant.key").read_text().strip())
    project.type("python manage.py check --settings board.readme")


def test_the_tests_that_are_shown_pass(project: Reader) -> None:
    """What the page on tests shows is run in the tutorial's project, with pytest and with unittest."""
    assert "python manage.py test" in list(project.read(DOCS / "howto" / "test-your-project.md"))


def test_the_commands_that_are_shown_run_in_tenants(project: Reader) -> None:
    """The page on commands is followed in the tutorial's project."""
    assert "python manage.py count_notes" in list(project.read(DOCS / "howto" / "run-commands.md"))


def test_a_query_goes_the_path_that_is_described(project: Reader) -> None:
    """A request is followed through the modules of the package, in the order in which it meets them."""
    (project.directory / "trace.py").write_text(SCRIPT + TRACE)
    met = project.type("python trace.py").split()
    page = (DOCS / "explanation" / "path-of-a-query.md").read_text(encoding="utf-8")
    path = page.partition("<!-- path -->")[2].partition("<!-- end of path -->")[0]
    numbered = re.findall(r"^\d+\. `(multi_tenant\.[\w.]+)`", path, re.MULTILINE)
    assert numbered == [module for module in met if module in numbered]
    # Those that are met more than once, or hold a constant, are named in passing or not at all.
    beside = {"multi_tenant.registry.aliases", *re.findall(r"`(multi_tenant\.[\w.]+)`", page)}
    assert set(met) <= beside


SCRIPT = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "board.settings"
django.setup()
"""
TRACE = """
from django.test import Client
from multi_tenant.registry.store import store

client = Client()
client.get("/admin/login/", headers={"host": "localhost"})  # modules are imported, the middleware is made
store.clear()
met = []

def watch(frame, event, argument):
    module = frame.f_globals.get("__name__", "")
    if event == "call" and module.startswith("multi_tenant.") and module not in met:
        met.append(module)

sys.setprofile(watch)
client.get("/", headers={"host": "acme.localhost"})
sys.setprofile(None)
print(*met, sep="\\n")
"""
