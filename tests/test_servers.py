"""The servers of the tests: real, shared, never left behind, and missed loudly where they are required."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from tests import servers
from tests.server_processes import MEMORY, SESSION_NOTE

ROOT = Path(__file__).resolve().parent.parent
NOBODY_LISTENS = "postgresql://somebody:secret@127.0.0.1:1/nothing"
OWNER = """
import sys, threading
from tests import servers
print(servers.provide(sys.argv[1]))
print(servers.open_session(), flush=True)
threading.Event().wait()
"""


def python_of_its_own(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A Python that knows neither this session nor a server of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MULTI_TENANT_")}
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**kept, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_postgres_is_the_declared_version(postgres_url: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_url) as connection:
        assert connection.info.server_version >= 140000


def test_postgres_refuses_a_wrong_password(postgres_url: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    entry = servers.database_entry(postgres_url)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres_url, password=f"not {entry['PASSWORD']}")


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"user": "nobody"}, {"user": "", "password": ""}])
def test_mariadb_refuses_who_has_no_password(change: dict[str, str], mariadb_url: str) -> None:
    driver = pytest.importorskip("MySQLdb")
    entry = servers.database_entry(mariadb_url)
    login = {"user": entry["USER"], "password": entry["PASSWORD"], **change}
    with pytest.raises(driver.OperationalError, match="Access denied"):
        driver.connect(host=entry["HOST"], port=int(entry["PORT"] or 3306), **login)


def test_redis_refuses_who_has_no_password(redis_url: str) -> None:
    redis = pytest.importorskip("redis")
    bare = "redis://" + redis_url.rpartition("@")[2]
    with redis.Redis.from_url(bare) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_processes_of_a_session_share_a_server(postgres_url: str) -> None:
    command = [sys.executable, "-c", "from tests import servers; print(servers.provide('postgres'))"]
    child = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert child.stdout.strip() == postgres_url


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("postgres", signal.SIGKILL),
        ("redis", signal.SIGTERM),
        ("redis", signal.SIGINT),
        ("mariadb", signal.SIGKILL),
    ],
)
def test_a_server_ends_with_its_owner(name: str, how: signal.Signals, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(f"{name}_url")  # skips where there is none
    with python_of_its_own("-c", OWNER, name) as owner:
        assert owner.stdout is not None
        url, session = owner.stdout.readline().strip(), Path(owner.stdout.readline().strip())
        keeper = psutil.Process(int((session / f"{name}.pid").read_text()))
        family = [keeper, *keeper.children()]
        assert url
        assert len(family) == 2, "the server runs while its owner does"
        owner.send_signal(how)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert not session.exists()
    assert not list(MEMORY.glob(f"{session.name}*"))


@pytest.mark.skipif(not MEMORY.is_dir(), reason="here files are not kept in memory")
def test_what_a_killed_session_left_in_memory_is_swept(
    mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = MEMORY / f"{servers.PREFIX}killed-files"
    left.mkdir()
    (left / SESSION_NOTE).write_text(str(tmp_path / "gone"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # as in a terminal with another TMPDIR
    servers.sweep()
    assert not left.exists()
    servers.provide.cache_clear()
    assert servers.provide("mariadb") == mariadb_url, "the living one is kept"


def test_reading_the_settings_starts_no_server() -> None:
    code = "from tests import settings; print([*settings.SESSION.glob('*.pid')])"
    with python_of_its_own("-c", code) as reader:
        output, errors = reader.communicate()
    assert output.strip() == "[]", errors


def test_what_a_killed_session_left_is_swept_and_a_living_one_kept() -> None:
    code = "from tests import servers; print(servers.open_session(), flush=True); input()"
    with python_of_its_own("-c", code) as owner:
        assert owner.stdout is not None
        session = Path(owner.stdout.readline().strip())
        servers.sweep()
        assert session.is_dir()
        owner.kill()
    servers.sweep()
    assert not session.exists()


@pytest.fixture
def run_without_postgres(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Mapping[str, str]], pytest.RunResult]:
    """Run a test that needs PostgreSQL where there is none."""
    pytester.makepyfile(
        """
        from tests.servers import require_server

        def test_that_needs_postgres():
            require_server("postgres")
        """
    )

    def run(variables: Mapping[str, str]) -> pytest.RunResult:
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("MULTI_TENANT_TEST_POSTGRES", NOBODY_LISTENS)
        monkeypatch.delenv("MULTI_TENANT_REQUIRE", raising=False)
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        return pytester.runpytest_subprocess("-p", "no:django", "-rs")

    return run


def test_a_missing_server_skips_with_the_reason(
    run_without_postgres: Callable[[Mapping[str, str]], pytest.RunResult],
) -> None:
    result = run_without_postgres({})
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*"])
    assert "secret" not in result.stdout.str()


def test_a_missing_server_that_is_required_fails(
    run_without_postgres: Callable[[Mapping[str, str]], pytest.RunResult],
) -> None:
    result = run_without_postgres({"MULTI_TENANT_REQUIRE": "postgres,redis"})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*MULTI_TENANT_REQUIRE asks for postgres*"])


def test_requiring_another_server_does_not_fail(
    run_without_postgres: Callable[[Mapping[str, str]], pytest.RunResult],
) -> None:
    run_without_postgres({"MULTI_TENANT_REQUIRE": "redis"}).assert_outcomes(skipped=1)


def test_requiring_an_unknown_server_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTI_TENANT_REQUIRE", "postgres,reddis")
    with pytest.raises(pytest.UsageError, match="reddis"):
        servers.required_servers()


@pytest.mark.parametrize(("scheme", "engine"), [("postgresql", "postgresql"), ("mysql", "mysql")])
def test_a_url_becomes_an_entry(scheme: str, engine: str) -> None:
    entry = servers.database_entry(f"{scheme}://o%27neil:p%40ss@db.example.com:6432/site")
    assert entry == {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": "site",
        "USER": "o'neil",
        "PASSWORD": "p@ss",
        "HOST": "db.example.com",
        "PORT": "6432",
    }
