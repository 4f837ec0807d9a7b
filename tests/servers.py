"""The real servers of a test session: started when asked for, shared by all its processes, always stopped.

Fixtures call `require_server`; settings and scripts, which cannot skip, call `provide`. The process that
opened the session (xdist's controller) owns the servers; its children find it in their environment.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import pytest
from filelock import FileLock

from tests import server_processes
from tests.server_processes import START_SECONDS, STOP_SECONDS, ServerUnavailableError

SESSION = "MULTI_TENANT_TEST_SESSION"
REQUIRE = "MULTI_TENANT_REQUIRE"
PREFIX = "multi-tenant-tests-"
DRIVERS = {"postgres": "psycopg", "redis": "redis", "mariadb": "MySQLdb"}
ENGINES = {"postgresql": "django.db.backends.postgresql", "mysql": "django.db.backends.mysql"}


def require_server(name: str) -> str:
    """The URL of a server; without it a test is skipped, or fails if MULTI_TENANT_REQUIRE names it."""
    try:
        return provide(name)
    except ServerUnavailableError as reason:
        if name in required_servers():
            pytest.fail(f"{REQUIRE} asks for {name}. {reason}", pytrace=False)
        pytest.skip(str(reason))


@functools.cache
def provide(name: str) -> str:
    """The URL of a server that answers: the one of MULTI_TENANT_TEST_{NAME}, else the session's own."""
    try:
        driver = import_module(DRIVERS[name])
    except ImportError as missing:
        raise ServerUnavailableError(f"{DRIVERS[name]} cannot be imported: {missing}") from missing
    given = f"MULTI_TENANT_TEST_{name.upper()}"
    url = os.environ.get(given) or session_server(name)
    try:
        knock(driver, url)
    except driver.Error as refused:
        raise ServerUnavailableError(f"The server of {given} does not answer: {refused}") from refused
    return url


def required_servers() -> frozenset[str]:
    """The servers that MULTI_TENANT_REQUIRE names; a name that there is not is an error, not a weaker run."""
    names = frozenset(name.strip() for name in os.environ.get(REQUIRE, "").split(",") if name.strip())
    if unknown := names - DRIVERS.keys():
        raise pytest.UsageError(f"{REQUIRE} names {sorted(unknown)}; it may name {sorted(DRIVERS)}.")
    return names


def database_entry(url: str, *, name: str | None = None) -> dict[str, Any]:
    """A postgresql:// or mysql:// URL as an entry of DATABASES, for the database `name` in place of the URL's own."""
    parts = urlsplit(url)
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": name or unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


def open_session() -> Path:
    """The directory of the session's servers and files; the first process to ask makes it and owns it."""
    given = os.environ.get(SESSION)
    if given and Path(given).is_dir():
        return Path(given)
    sweep()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    directory.chmod(0o711)  # PostgreSQL's account passes through, and reads nothing
    claim(directory)
    os.environ[SESSION] = str(directory)
    atexit.register(close_session)
    return directory


def close_session() -> None:
    """Stop the session's servers and remove its files, if this process owns them."""
    directory = Path(os.environ.get(SESSION, ""))
    owner = directory / "owner"
    if not owner.is_file() or owner.read_text() != str(os.getpid()):
        return
    keepers = [keeper for path in directory.glob("*.pid") if (keeper := process(int(path.read_text())))]
    for keeper in keepers:
        keeper.terminate()
    psutil.wait_procs(keepers, timeout=STOP_SECONDS)
    shutil.rmtree(directory, ignore_errors=True)  # a keeper that was just being started may still write
    del os.environ[SESSION]
    provide.cache_clear()


def claim(directory: Path) -> None:
    """Mark a directory as this process's, with a lock that ends when the process does, however it does."""
    draft = directory / "owner.new"
    draft.write_text(str(os.getpid()))
    descriptor = os.open(draft, os.O_RDONLY)  # never closed: the lock lasts as long
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    draft.rename(directory / "owner")


def sweep() -> None:
    """Remove what killed sessions left behind, where no keeper of a server was there to do it."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/owner"):
        with suppress(OSError), owner.open() as claimed:  # another user's, in use, or just being removed
            fcntl.flock(claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(owner.parent, ignore_errors=True)
    for note in server_processes.MEMORY.glob(f"{PREFIX}*/{server_processes.SESSION_NOTE}"):
        with suppress(OSError):
            # Sessions of other terminals may have their directories elsewhere.
            if not Path(note.read_text()).exists():
                shutil.rmtree(note.parent, ignore_errors=True)


def session_server(name: str) -> str:
    """The URL of the session's own server, started by the first process that asks."""
    session = open_session()
    directory = session / name
    with FileLock(session / f"{name}.lock"):
        if not directory.exists():
            directory.mkdir()
            start(name, directory)
        return published_url(directory, keeper=int((session / f"{name}.pid").read_text()))


def start(name: str, directory: Path) -> None:
    """Start the process that keeps the server until the session's owner, not this process, ends."""
    session = directory.parent
    script = str(Path(server_processes.__file__))
    command = [sys.executable, script, name, str(directory), (session / "owner").read_text()]
    output = str(session / f"{name}.output")
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    silence = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=silence)
    (session / f"{name}.pid").write_text(str(pid))


def published_url(directory: Path, *, keeper: int) -> str:
    """What the keeper of a server published: its URL, or the reason why there is none."""
    deadline = time.monotonic() + 2 * START_SECONDS
    while time.monotonic() < deadline:
        if directory.with_suffix(".url").exists():
            return directory.with_suffix(".url").read_text()
        if directory.with_suffix(".reason").exists():
            raise ServerUnavailableError(directory.with_suffix(".reason").read_text())
        if process(keeper) is None:
            break
        time.sleep(0.02)
    output = directory.with_suffix(".output").read_text(errors="replace")
    raise ServerUnavailableError(f"The {directory.name} server of the tests did not start: {output[-2000:]}")


def process(pid: int) -> psutil.Process | None:
    try:
        found = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return found if server_processes.is_alive(found) else None


def knock(driver: Any, url: str) -> None:
    """Ask a server for a sign of life, through the driver that the tests will use."""
    if driver.__name__ == "psycopg":
        driver.connect(url, connect_timeout=5).close()
        return
    if driver.__name__ == "MySQLdb":
        entry = database_entry(url)
        login = {"user": entry["USER"], "password": entry["PASSWORD"]}
        driver.connect(host=entry["HOST"], port=int(entry["PORT"] or 3306), connect_timeout=5, **login).close()
        return
    with driver.Redis.from_url(url, socket_connect_timeout=5) as client:
        client.ping()
