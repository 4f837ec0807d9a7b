from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError
from django.views.debug import ExceptionReporter

from multi_tenant import ProvisioningError
from multi_tenant.databases import mysql as module
from multi_tenant.databases.base import Engine, engine_of
from multi_tenant.databases.grants import identification
from multi_tenant.exceptions import InvalidEntryError, TenantConnectionError
from multi_tenant.registry.entry import Entry, complete_own
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.rules import validate_keys
from multi_tenant.routing.wrapper import known_reason, tenant_connection
from tests.databases.conftest import PREFIX, run

ONE, TWO, LOGIN = f"{PREFIX}one", f"{PREFIX}two", f"{PREFIX}login"
#: What option files, shells and SQL would each read in its own way.
PASSWORD = "a'b\"c\\d#e;f g%s`$HOME=ü"


def changed(engine: Engine, **keys: Any) -> Engine:
    """The same server by another entry."""
    return engine_of(Entry({**engine.entry, **keys}), alias="acme")


def as_login(engine: Engine, login: str = LOGIN, password: str = PASSWORD) -> Engine:
    return changed(engine, USER=login, PASSWORD=password)


def root(engine: Engine, statement: str) -> list[Any]:
    return run(engine, "", statement)


@pytest.fixture
def maker(mysql: Engine) -> Iterator[Engine]:
    """The server by a login that may make databases of its own, and nothing else."""
    name = f"{PREFIX}maker"
    root(mysql, f"CREATE USER '{name}'@'%' IDENTIFIED BY 'maker'")
    root(mysql, f"GRANT ALL ON `{PREFIX}%`.* TO '{name}'@'%'")
    yield as_login(mysql, name, "maker")
    root(mysql, f"DROP USER '{name}'@'%'")


def test_a_database_holds_every_character(mysql: Engine) -> None:
    mysql.create(ONE)
    run(mysql, ONE, "CREATE TABLE fruit (name varchar(20))")
    run(mysql, ONE, "INSERT INTO fruit VALUES ('pear 🍐')")
    assert run(mysql, ONE, "SELECT name FROM fruit") == [("pear 🍐",)]
    assert run(mysql, ONE, "SELECT @@character_set_database") == [("utf8mb4",)]


def test_names_that_differ_in_capitals_are_two(mysql: Engine) -> None:
    mysql.create(ONE)
    assert not mysql.exists(ONE.upper())


def test_a_server_that_folds_names_has_them_in_any_case(mysql: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mysql, "_rows", lambda query, *values: [(ONE, 1)])
        assert mysql.exists(ONE.upper())


def test_a_login_that_makes_databases_alone_is_enough(maker: Engine) -> None:
    maker.create(ONE)
    assert maker.exists(ONE)
    assert maker.names(PREFIX) == [ONE]
    maker.drop(ONE)
    assert not maker.exists(ONE)


def test_what_the_login_may_not_is_refused_with_the_cure(maker: Engine) -> None:
    with pytest.raises(ProvisioningError, match="Grant it ALL"):
        maker.create("another_place")
    with pytest.raises(ProvisioningError, match="CREATE USER"):
        maker.create_login(LOGIN, PASSWORD, name=ONE)
    with pytest.raises(ProvisioningError):
        maker.logins(PREFIX)


def test_what_the_server_refuses_is_its_own_error(mysql: Engine) -> None:
    with pytest.raises(DatabaseError, match="Incorrect database name"):
        mysql.create("ends with a space ")


def held(engine: Engine, name: str) -> Any:
    """A session that holds a table of a database, so that it cannot be dropped."""
    record = TenantRecord("user", None, "", "", engine.entry_for(name), marked=False)
    connection = tenant_connection(record)
    connection.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM fruit")
    return connection


def test_a_database_in_use_is_dropped(mysql: Engine) -> None:
    mysql.create(ONE)
    run(mysql, ONE, "CREATE TABLE fruit (name varchar(20))")
    session = held(mysql, ONE)
    mysql.drop(ONE)
    assert not mysql.exists(ONE)
    with pytest.raises(DatabaseError):
        session.cursor().execute("SELECT 1")
    session.close()


def test_a_session_that_the_login_may_not_end_is_waited_for(
    mysql: Engine, maker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT", 1)
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    mysql.create(ONE)
    run(mysql, ONE, "CREATE TABLE fruit (name varchar(20))")
    root(mysql, f"GRANT PROCESS ON *.* TO '{PREFIX}maker'@'%'")  # it sees the session then, and may not end it either
    session = held(mysql, ONE)
    with pytest.raises(ProvisioningError, match="CONNECTION ADMIN"):
        maker.drop(ONE)
    session.close()
    maker.drop(ONE)
    assert not mysql.exists(ONE)


def test_a_login_works_with_the_rows_of_its_database_alone(mysql: Engine) -> None:
    for name in (ONE, TWO, ONE.replace("_", "x")):
        mysql.create(name)
        run(mysql, name, "CREATE TABLE fruit (name varchar(20))")
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    login = as_login(mysql)
    run(login, ONE, "INSERT INTO fruit VALUES ('pear')")
    assert run(login, ONE, "UPDATE fruit SET name = 'plum'") == []
    assert run(login, ONE, "SELECT * FROM fruit") == [("plum",)]
    run(login, ONE, "DELETE FROM fruit")
    for statement in ("CREATE TABLE more (id int)", "DROP TABLE fruit", "ALTER TABLE fruit ADD more int"):
        with pytest.raises(DatabaseError, match="command denied"):
            run(login, ONE, statement)
    for other in (TWO, ONE.replace("_", "x")):  # an underscore in GRANT is a wildcard
        with pytest.raises(TenantConnectionError, match="may not connect to it"):
            run(login, other, "SELECT 1")
        with pytest.raises(DatabaseError, match="denied"):
            run(login, ONE, f"SELECT * FROM `{other}`.fruit")
    with pytest.raises(DatabaseError, match="denied"):
        run(login, ONE, f"GRANT SELECT ON `{ONE}`.* TO 'root'@'127.0.0.1'")
    mysql.drop(ONE.replace("_", "x"))


def test_making_a_login_again_gives_it_the_password(mysql: Engine) -> None:
    mysql.create(ONE)
    mysql.create_login(LOGIN, "first", name=ONE)
    mysql.create_login(LOGIN, "second", name=ONE)
    assert mysql.logins(PREFIX) == [LOGIN]
    assert run(as_login(mysql, password="second"), ONE, "SELECT 1") == [(1,)]
    with pytest.raises(TenantConnectionError, match="login is refused"):
        run(as_login(mysql, password="first"), ONE, "SELECT 1")


def test_a_login_that_cannot_be_granted_its_rows_is_not_made(mysql: Engine, maker: Engine) -> None:
    root(mysql, f"GRANT CREATE USER, PROCESS ON *.* TO '{PREFIX}maker'@'%'")
    maker.create(ONE)
    with pytest.raises(ProvisioningError, match="Grant it ALL"):
        maker.create_login(LOGIN, PASSWORD, name=ONE)
    assert LOGIN not in mysql.logins(PREFIX)


def test_dropping_a_login_ends_its_sessions(mysql: Engine) -> None:
    mysql.create(ONE)
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    record = TenantRecord("user", None, "", "", as_login(mysql).entry_for(ONE), marked=False)
    session = tenant_connection(record)
    session.ensure_connection()
    mysql.drop_login(LOGIN)
    mysql.drop_login(LOGIN)
    assert mysql.logins(PREFIX) == []
    with pytest.raises(DatabaseError):
        session.cursor().execute("SELECT 1")
    session.close()
    with pytest.raises(TenantConnectionError):
        run(as_login(mysql), ONE, "SELECT 1")


def test_a_login_is_busy_until_its_sessions_are_silent(mysql: Engine) -> None:
    mysql.create(ONE)
    run(mysql, ONE, "CREATE TABLE fruit (name varchar(20))")
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    assert not mysql.is_login_busy(LOGIN, silent_for=0)
    session = held(as_login(mysql), ONE)
    assert mysql.is_login_busy(LOGIN, silent_for=0)  # a transaction is open
    session.rollback()
    deadline = time.monotonic() + 60  # InnoDB's table of transactions is renewed once nobody has read it for 0.1 s
    while mysql.is_login_busy(LOGIN, silent_for=0) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not mysql.is_login_busy(LOGIN, silent_for=0)
    assert mysql.is_login_busy(LOGIN, silent_for=600)  # it was in use a moment ago
    session.close()


def test_the_password_of_a_login_is_in_no_log(mysql: Engine, settings: Any, caplog: Any) -> None:
    settings.DEBUG = True
    mysql.create(ONE)
    with caplog.at_level("DEBUG", logger="django.db.backends"):
        mysql.create_login(LOGIN, "hunter2hunter2", name=ONE)
    assert "GRANT SELECT" in caplog.text  # what is logged at all
    assert "hunter2" not in caplog.text


def test_mysql_itself_is_given_the_password() -> None:
    assert identification("secret", is_mariadb=False) == ("IDENTIFIED BY %s", "secret")


def test_a_name_that_is_too_long_for_a_grant_is_refused(mysql: Engine) -> None:
    name = f"{PREFIX}{'_' * 30}{'a' * 10}"
    mysql.create(name)
    with pytest.raises(ProvisioningError, match="too long for a grant"):
        mysql.create_login(LOGIN, PASSWORD, name=name)


def test_the_longest_name_of_a_tenants_database_can_be_granted(mysql: Engine, configure: Any) -> None:
    configure(DATABASE_PREFIX=PREFIX)
    name = mysql.name_for("a" * 48, UUID(int=1))
    mysql.create(name)
    mysql.create_login(LOGIN, PASSWORD, name=name)
    assert run(as_login(mysql), name, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("literal", [True, False])
def test_a_server_with_partial_revokes_reads_no_wildcards(
    literal: bool, mysql: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mysql, "_rows", lambda query: [("partial_revokes", "ON")] if literal else [])
        assert mysql._pattern(r"a_%\`") == (r"`a_%\```" if literal else r"`a\_\%\\```")  # type: ignore[attr-defined]


def test_a_program_is_told_the_password_where_nobody_else_looks(
    mysql: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[Any] = []
    real = subprocess.run

    def run_noted(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "run", run_noted)
    monkeypatch.setenv("MYSQL_HOME", "/somebody's")
    mysql.create(ONE)
    mysql.dump(ONE, tmp_path / "archive")
    [(arguments, options)] = calls
    assert mysql.entry["PASSWORD"] not in repr(arguments)
    assert options["env"]["MYSQL_PWD"] == mysql.entry["PASSWORD"]
    assert "MYSQL_HOME" not in options["env"]
    assert "MYSQL_PWD" not in os.environ


def test_an_option_file_of_the_users_changes_nothing(
    mysql: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".my.cnf").write_text("[client]\npassword=another\nhost=nowhere.invalid\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    mysql.create(ONE)
    mysql.dump(ONE, tmp_path / "archive")


def test_any_password_reaches_the_program(mysql: Engine, tmp_path: Path) -> None:
    mysql.create(ONE)
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    root(mysql, f"GRANT ALL ON {mysql._pattern(ONE)}.* TO '{LOGIN}'@'%'")  # type: ignore[attr-defined]
    archive = tmp_path / "archive"
    as_login(mysql).dump(ONE, archive)
    as_login(mysql).restore(archive, ONE)


def test_a_dump_holds_what_stands_beside_tables(mysql: Engine, tmp_path: Path) -> None:
    mysql.create(ONE)
    for statement in (
        "CREATE TABLE fruit (id int primary key, picture blob)",
        "CREATE TABLE tree (fruit int, FOREIGN KEY (fruit) REFERENCES fruit (id))",
        "INSERT INTO fruit VALUES (1, x'00ff27')",
        "INSERT INTO tree VALUES (1)",
        "CREATE VIEW basket AS SELECT id FROM fruit",
        "CREATE TRIGGER eaten BEFORE DELETE ON tree FOR EACH ROW SET @eaten = 1",
        "CREATE PROCEDURE shake() SELECT 1",
        "CREATE EVENT autumn ON SCHEDULE EVERY 1 YEAR DO SET @autumn = 1",
    ):
        run(mysql, ONE, statement)
    mysql.dump(ONE, tmp_path / "archive")
    mysql.create(TWO)
    mysql.restore(tmp_path / "archive", TWO)
    assert run(mysql, TWO, "SELECT id, hex(picture) FROM fruit, tree WHERE fruit = id") == [(1, "00FF27")]
    assert run(mysql, TWO, "SELECT * FROM basket") == [(1,)]
    for kind, table in (("trigger", "triggers"), ("routine", "routines"), ("event", "events")):
        found = root(mysql, f"SELECT count(*) FROM information_schema.{table} WHERE {kind}_schema = '{TWO}'")
        assert found == [(1,)]


def test_an_archive_runs_no_program(mysql: Engine, tmp_path: Path) -> None:
    mysql.create(ONE)
    archive = tmp_path / "archive"
    archive.write_text(f"\\! touch {tmp_path}/run\nsystem touch {tmp_path}/run\n")
    with pytest.raises(ProvisioningError):
        mysql.restore(archive, ONE)
    assert not (tmp_path / "run").exists()


def test_a_missing_program_is_said_before_anything_is_done(mysql: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProvisioningError, match=r"mariadb-dump is not .*archive=False"):
        mysql.check_dump()


def test_a_failed_dump_says_why_without_the_password(mysql: Engine, tmp_path: Path) -> None:
    wrong = changed(mysql, PASSWORD="hunter2hunter2")
    with pytest.raises(ProvisioningError, match="login is refused") as caught:
        wrong.dump(ONE, tmp_path / "archive")
    assert "hunter2" not in ExceptionReporter(None, caught.type, caught.value, caught.tb.tb_next).get_traceback_html()
    with pytest.raises(ProvisioningError, match="no database of that name"):
        mysql.dump(ONE, tmp_path / "archive")


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (None, []),
        ("DISABLED", ["--loose-ssl-mode=DISABLED", "--loose-skip-ssl"]),
        ("PREFERRED", ["--loose-ssl-mode=PREFERRED"]),
        ("REQUIRED", ["--loose-ssl-mode=REQUIRED", "--loose-ssl"]),
    ],
)
def test_a_program_is_told_what_the_entry_says_of_encryption(
    mode: str | None, told: list[str], mysql: Engine, tmp_path: Path
) -> None:
    engine = changed(mysql, OPTIONS={"ssl_mode": mode} if mode else {})
    assert [argument for argument in engine._arguments() if "ssl" in argument] == told  # type: ignore[attr-defined]
    mysql.create(ONE)
    if mode != "REQUIRED":  # which the server of the tests cannot
        engine.dump(ONE, tmp_path / "archive")


def test_a_socket_is_told_as_one(mysql: Engine, tmp_path: Path) -> None:
    nowhere = changed(mysql, HOST=str(tmp_path / "socket"))
    assert f"--socket={tmp_path}/socket" in nowhere._arguments()  # type: ignore[attr-defined]
    with pytest.raises(TenantConnectionError, match="cannot be reached"):
        nowhere.exists(ONE)


def test_limits_for_requests_do_not_end_long_work(mysql: Engine) -> None:
    hasty = changed(mysql, OPTIONS={"read_timeout": 1, "write_timeout": 1})
    released = threading.Event()

    def hold() -> None:
        with changed(mysql).lock("key"):
            ready.set()
            released.wait()

    ready = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    timer = threading.Timer(2, released.set)  # longer than the limit
    timer.start()
    with hasty.lock("key"):
        assert released.is_set()
    thread.join()


def test_a_lock_is_asked_for_again(mysql: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT", 0)
    order: list[str] = []

    def wait() -> None:
        with changed(mysql).lock("key"):
            order.append("second")

    thread = threading.Thread(target=wait)
    with mysql.lock("key"):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_session_that_lost_its_lock_ends_quietly(mysql: Engine) -> None:
    with mysql.lock("key"):
        own = mysql._held.connection.thread_id()  # type: ignore[attr-defined]
        changed(mysql)._run(f"KILL {own}")  # type: ignore[attr-defined]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and any(row[0] == own for row in root(mysql, "SHOW PROCESSLIST")):
            pass


def reason(engine: Engine, name: str = "") -> str:
    with pytest.raises(TenantConnectionError) as caught:
        run(engine, name, "SELECT 1")
    return caught.value.reason


def test_each_refusal_of_the_server_is_told_in_our_words(mysql: Engine) -> None:
    mysql.create(ONE)
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    login = as_login(mysql)
    assert reason(changed(mysql, PASSWORD="wrong")) == "the login is refused"
    assert reason(changed(mysql, USER="nobody")) == "the login is refused"
    assert reason(mysql, ONE + "x") == "there is no database of that name on the server"
    assert reason(login, "mysql") == "the login may not connect to it"
    assert reason(changed(mysql, PORT="1")) == "the server cannot be reached"
    assert reason(changed(mysql, HOST="nowhere.invalid")) == "the server cannot be reached"


@pytest.fixture
def mute() -> Iterator[int]:
    """The port of a server that lets callers in and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_server_that_says_nothing_is_not_waited_for_twice(mysql: Engine, mute: int, configure: Any) -> None:
    configure(REGISTRY_TTL=600)
    silent = changed(mysql, PORT=str(mute), OPTIONS={"connect_timeout": 1})
    assert reason(silent) == "the server does not answer"
    assert reason(silent) == "its server did not answer a moment ago"


@pytest.mark.parametrize("option", ["ACCOUNT LOCK", "PASSWORD EXPIRE", "REQUIRE SSL"])
def test_a_login_that_is_shut_is_told(option: str, mysql: Engine) -> None:
    mysql.create(ONE)
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    root(mysql, f"ALTER USER '{LOGIN}'@'%' {option}")
    assert reason(as_login(mysql), ONE) == "the login is refused"


def test_a_login_with_all_its_sessions_open_is_told(mysql: Engine) -> None:
    mysql.create(ONE)
    mysql.create_login(LOGIN, PASSWORD, name=ONE)
    root(mysql, f"ALTER USER '{LOGIN}'@'%' WITH MAX_USER_CONNECTIONS 1")
    with as_login(mysql).lock("held"):
        assert reason(as_login(mysql), ONE) == "the server has no connection left"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Host '10.0.0.1' is not allowed to connect to this MariaDB server", "nobody in from this machine"),
        ("Host '10.0.0.1' is blocked because of many connection errors", "nobody in from this machine"),
        ("Too many connections", "no connection left"),
        ("Server shutdown in progress", "cannot be reached"),
        ("Lost connection to server at 'handshake: reading initial communication packet'", "does not answer"),
        ("MySQL server has gone away", "does not answer"),
        ("Your password has expired. To log in you must change it using a client", "login is refused"),
        ("TLS/SSL error: SSL is required, but the server does not support it", "encryption"),
    ],
)
def test_what_a_server_says_in_distress_is_known(message: str, said: str) -> None:
    assert said in known_reason(message)


@pytest.mark.parametrize("mode", ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"])
def test_encryption_that_is_asked_for_is_not_done_without(mode: str, mysql: Engine) -> None:
    assert "encryption" in reason(changed(mysql, OPTIONS={"ssl_mode": mode}))


# What the rules for entries keep away, shown to work where nothing keeps it away.


def forged(engine: Engine, **options: Any) -> Engine:
    """An engine by an entry that no rule has seen."""
    return changed(engine, OPTIONS=options)


def test_a_file_of_this_machine_is_not_sent(mysql: Engine, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    entry = complete_own(dict(mysql.entry))
    assert entry["OPTIONS"]["local_infile"] is False
    mysql.create(ONE)
    run(mysql, ONE, "CREATE TABLE fruit (name varchar(20))")
    statement = f"LOAD DATA LOCAL INFILE '{secret}' INTO TABLE fruit"
    with pytest.raises(DatabaseError):
        run(engine_of(entry, alias="acme"), ONE, statement)
    assert run(mysql, ONE, "SELECT * FROM fruit") == []
    run(forged(mysql, local_infile=True), ONE, statement)
    assert run(mysql, ONE, "SELECT * FROM fruit") == [("hunter2",)]


def test_an_entry_runs_no_statement(mysql: Engine) -> None:
    options = {"init_command": "SET @started = 1"}
    with pytest.raises(InvalidEntryError, match="init_command"):
        validate_keys({"ENGINE": mysql.entry["ENGINE"], "OPTIONS": options})
    assert run(forged(mysql, **options), "", "SELECT @started") == [(1,)]


def test_an_entry_reads_no_file(mysql: Engine, tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\npassword={mysql.entry['PASSWORD']}\n")
    options = {"read_default_file": str(file)}
    with pytest.raises(InvalidEntryError, match="read_default_file"):
        validate_keys({"ENGINE": mysql.entry["ENGINE"], "OPTIONS": options})
    assert run(changed(mysql, PASSWORD="", OPTIONS=options), "", "SELECT 1") == [(1,)]
