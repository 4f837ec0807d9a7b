"""``./run demo``: the sample site with three tenants, on SQLite or on a PostgreSQL of its own, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

# Run as a script, Python looks for modules beside it; these are imported by their full names.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sample_site import demo_check, embedded_postgres
from sample_site.demo_data import ADMINISTERS, PLATFORM, TEAMS
from sample_site.errors import DemoError
from sample_site.state import VAR, State

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 10
MANAGE = Path(__file__).with_name("manage.py")


def main() -> int:
    options = parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        return check(options) if options.check else serve(options)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__.replace("`", ""))
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, rather than SQLite")
    parser.add_argument("--port", type=int, default=8000, help="the port of 127.0.0.1 to serve on (8000)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--reset", action="store_true", help="begin anew: remove the tenants and their data")
    what.add_argument("--check", action="store_true", help="make tenants aside, ask each for a page, and end")
    return parser


def serve(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Keys, passwords and data stay in sample_site/var, or in DEMO_DIR, for the next time."""
    state = State.from_environment(default=VAR / ("postgres" if options.postgres else "sqlite"))
    with ExitStack() as stack:
        listener = stack.enter_context(listening(options.port))
        port = listener.getsockname()[1]
        stack.enter_context(state.locked())
        if options.reset:
            embedded_postgres.remove(state)
            state.clear()
        prepare(state, stack, postgres=options.postgres)
        server = stack.enter_context(serving(listener, state, access_log=True))
        print(welcome(state, port, postgres=options.postgres), flush=True)
        return server.wait()


def check(options: argparse.Namespace) -> int:
    """Make the tenants in a directory of their own, ask each for one page over HTTP, and remove it all."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="multi-tenant-demo-"))
        listener = stack.enter_context(listening(0))
        port = listener.getsockname()[1]
        state = State(Path(directory))
        if options.postgres:
            stack.callback(embedded_postgres.remove, state)
        prepare(state, stack, postgres=options.postgres)
        stack.enter_context(serving(listener, state, access_log=False))
        return demo_check.ask_each(port)


def prepare(state: State, stack: ExitStack, *, postgres: bool) -> None:
    """Start the database server, if there is to be one, and make the tenants."""
    print(f"Making the tenants on {'PostgreSQL' if postgres else 'SQLite'} ...", flush=True)
    if postgres:
        stack.enter_context(embedded_postgres.running(state))
    made = subprocess.run([sys.executable, MANAGE, "make_demo"], env=environment(state), check=False)
    if made.returncode:
        raise DemoError("the tenants could not be made; the reason is above. --reset begins anew.")


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket that the server inherits: bound here, so that a port in use is known before anything is made."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error).removesuffix(".")
            raise DemoError(f"port {port} cannot be had: {reason}. Choose another with --port.") from error
        listener.listen()
        yield listener


@contextmanager
def serving(listener: socket.socket, state: State, *, access_log: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run gunicorn on the socket; it is stopped at the end, whatever the end is."""
    command = [sys.executable, "-m", "gunicorn", "sample_site.wsgi", "--bind", f"fd://{listener.fileno()}"]
    command += ["--config", "python:sample_site.gunicorn_conf", "--log-level", "warning"]
    if access_log:
        command += ["--access-logfile", "-", "--access-logformat", "%({host}i)s  %(m)s %(U)s  %(s)s"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment(state), pass_fds=[listener.fileno()])
    listener.close()  # the server's alone: when it ends, the port is closed
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def environment(state: State) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "DEMO_POSTGRES"}
    return {**inherited, **state.environment(), "DJANGO_SETTINGS_MODULE": "sample_site.settings"}


def welcome(state: State, port: int, *, postgres: bool) -> str:
    """The addresses, the passwords, and what to do next."""
    passwords = state.passwords([])
    lines = [
        "",
        f"The public page:  http://localhost:{port}/",
        f"    {PLATFORM} / {passwords[PLATFORM]}   (runs the platform at /admin/)",
        "",
    ]
    for team in TEAMS:
        lines.append(f"{team.name}:  http://{team.alias}.localhost:{port}/")
        for name, role in team.members.items():
            note = "   (administers it at /admin/)" if role == ADMINISTERS else ""
            lines.append(f"    {name} / {passwords[name]}{note}")
        lines.append("")
    again = "./run demo --postgres --reset" if postgres else "./run demo --reset"
    elsewhere = "" if state == State(VAR / "sqlite") else f"DEMO_DIR={relative(state.directory)} "
    manage = f"{elsewhere}{relative(Path(sys.executable))} {relative(MANAGE)}"
    lines += [
        "A fourth tenant, from another terminal while this one runs:",
        f'    {manage} create_tenant dora --name "Dora\'s Maps"',
        "",
        f"Ctrl-C stops it all; the tenants are kept for the next time. `{again}` begins anew.",
        "",
    ]
    return "\n".join(lines)


def relative(path: Path) -> str:
    """A path as one would type it here."""
    inside = path.is_relative_to(Path.cwd())
    return shlex.quote(str(path.relative_to(Path.cwd()) if inside else path))


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
