"""P6: what a request costs does not grow with the number of tenants."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import close_old_connections, connection, connections, reset_queries, transaction
from django.db.backends.base import base
from django.test.utils import CaptureQueriesContext

from multi_tenant.context import current_alias, record_context, tenant_context
from multi_tenant.exceptions import ConnectionLimitError
from multi_tenant.models import Tenant
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.lookup import TenantRecord
from multi_tenant.registry.store import Store, store
from multi_tenant.routing.handler import TenantConnectionHandler
from multi_tenant.routing.wrapper import TenantConnection
from tests.promises.control import Without, guarded_by
from tests.testapp.library.models import Author

pytestmark = pytest.mark.django_db
#: A test's own transaction would be a use of every connection.
committing = pytest.mark.django_db(transaction=True)
Configure = Callable[..., None]
CAP = 5


def live() -> list[str]:
    """The tenants whose connections this thread keeps, least recently used first."""
    kept = [one for one in connections.all(initialized_only=True) if isinstance(one, TenantConnection)]
    return [one.alias for one in sorted(kept, key=lambda one: one.last_used)]


def visit(tenant: Tenant | str) -> bool:
    """Run a query in a tenant."""
    with tenant_context(tenant):
        return Author.objects.exists()


def poll_always(self: Store) -> int:
    """As if nothing were cached."""
    self.clear()
    return asked(self)


asked = Store.version


@guarded_by(Without(Store, "version", poll_always))
def test_a_cached_tenant_costs_no_statement_on_the_registry(acme: Tenant, configure: Configure) -> None:
    configure(REGISTRY_TTL=600)
    store.clear()
    visit(acme)
    with CaptureQueriesContext(connections[PUBLIC]) as asked_of_public:
        for _ in range(10):
            visit("acme")
            assert current_alias() == PUBLIC
    assert len(asked_of_public) == 0


def test_a_poll_is_one_small_statement(acme: Tenant, configure: Configure) -> None:
    visit(acme)
    configure(REGISTRY_TTL=0)
    store.expire()
    visit(acme)
    with CaptureQueriesContext(connections[PUBLIC]) as asked_of_public:
        store.get("acme")
    assert [query["sql"] for query in asked_of_public] == ["SELECT version FROM multi_tenant_version WHERE id = 1"]


@pytest.fixture
def many(db: None) -> int:
    """A thousand tenants are registered."""
    Tenant.objects.bulk_create([Tenant(alias=f"many-{number}") for number in range(1_000)])
    return 1_000


def iterate_over_tenants(self: TenantConnectionHandler) -> Iterator[str]:
    """As if tenants were settings."""
    return iter([*self.static_settings, *Tenant.objects.values_list("alias", flat=True)])


@guarded_by(Without(TenantConnectionHandler, "__iter__", iterate_over_tenants))
def test_a_walk_over_the_connections_does_not_meet_tenants(many: int, acme: Tenant) -> None:
    static = set(connections.static_settings)  # type: ignore[attr-defined]  # the handler's own
    visit(acme)
    assert set(connections) == static
    assert set(connections.settings) == static
    assert "acme" not in list(connections)


def test_the_end_of_a_request_touches_only_what_it_used(many: int, acme: Tenant) -> None:
    visit(acme)
    before = {id(one) for one in connections.all(initialized_only=True)}
    with CaptureQueriesContext(connections[PUBLIC]) as asked_of_public:
        close_old_connections()
        reset_queries()
        assert {id(one) for one in connections.all(initialized_only=True)} == before
    assert len(asked_of_public) == 0
    assert live() == ["acme"]


def test_all_makes_no_connection_to_a_tenant(many: int, acme: Tenant) -> None:
    connections.all()
    assert live() == []


@pytest.fixture
def files(tmp_path: Path) -> Callable[[int], TenantRecord]:
    """Records of SQLite databases that are there, and are nobody's yet."""

    def record(number: int) -> TenantRecord:
        path = tmp_path / f"{number}.sqlite3"
        path.touch()
        entry = complete_own({"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)})
        return TenantRecord(f"file-{number}", uuid.uuid4(), "", "provisioning", entry, marked=False)

    return record


def open_files(directory: Path) -> int:
    """How many files of a directory this process has open."""
    return sum(str(directory) in found.path for found in psutil.Process().open_files())


@guarded_by(Without(TenantConnectionHandler, "_make_room"))
def test_a_script_over_300_tenants_keeps_to_the_cap(
    files: Callable[[int], TenantRecord], tmp_path: Path, configure: Configure
) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=CAP)
    most = 0
    try:
        for number in range(301):
            with record_context(files(number)), connection.cursor() as cursor:
                cursor.execute("CREATE TABLE t (id integer)")
                most = max(most, len(live()), open_files(tmp_path) if number % 50 == 0 else 0)
    finally:
        for alias in live():
            connections.retire(alias)  # type: ignore[attr-defined]  # the handler's own
    assert most == CAP


def retire_the_newest(self: TenantConnectionHandler, alias: str) -> None:
    """As if the order did not matter."""
    for kept in live()[::-1][: max(0, len(live()) - 1)]:
        self.retire(kept)


@committing
@guarded_by(Without(TenantConnectionHandler, "_make_room", retire_the_newest))
def test_the_least_recently_used_goes_first(tenant_factory: Callable[..., Tenant], configure: Configure) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=3)
    for alias in ("one", "two", "three"):
        visit(tenant_factory(alias))
    visit("one")
    visit(tenant_factory("four"))
    assert live() == ["three", "one", "four"]


def in_block() -> Any:
    return transaction.atomic()


def with_cursor() -> Any:
    return connection.cursor()


class manual:  # noqa: N801  # used like a function
    """A transaction that is begun by hand."""

    def __enter__(self) -> None:
        transaction.set_autocommit(False)
        Author.objects.create(name="kept")

    def __exit__(self, *exc: Any) -> None:
        transaction.commit()
        transaction.set_autocommit(True)


class iterating:  # noqa: N801  # used like a function
    """Rows that are not all fetched yet."""

    def __enter__(self) -> None:
        Author.objects.bulk_create(Author(name=str(number)) for number in range(300))
        self.rows = Author.objects.iterator(chunk_size=100)
        next(self.rows)

    def __exit__(self, *exc: Any) -> None:
        assert len(list(self.rows)) == 299


@committing
@guarded_by(Without(TenantConnection, "in_use", False))
@pytest.mark.parametrize("use", [in_block, with_cursor])
def test_a_connection_in_use_is_never_closed(
    use: Callable[[], Any], tenant_factory: Callable[..., Tenant], configure: Configure
) -> None:
    assert survives(use, tenant_factory, configure)


@committing
@pytest.mark.parametrize("use", [manual, iterating])
def test_neither_is_one_with_a_transaction_of_its_own_or_rows_to_come(
    use: Callable[[], Any], tenant_factory: Callable[..., Tenant], configure: Configure
) -> None:
    assert survives(use, tenant_factory, configure)


def survives(use: Callable[[], Any], tenant_factory: Callable[..., Tenant], configure: Configure) -> bool:
    """Whether a connection in use outlives visits to more tenants than the cap allows."""
    configure(MAX_CONNECTIONS_PER_THREAD=2)
    used, *others = [tenant_factory() for _ in range(4)]
    with tenant_context(used), use():
        mine = connections[used.alias]
        for tenant in others:
            with tenant_context(tenant, switch=True):
                Author.objects.exists()
        return connections[used.alias] is mine and mine.connection is not None


@committing
@guarded_by(Without(TenantConnection, "in_use", False))
def test_what_is_in_use_counts_and_the_limit_is_an_error(acme: Tenant, bolt: Tenant, configure: Configure) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=1)
    with tenant_context(acme), transaction.atomic():
        Author.objects.create(name="kept")
        with tenant_context(bolt, switch=True), pytest.raises(ConnectionLimitError, match="MAX_CONNECTIONS") as caught:
            Author.objects.exists()
    assert (caught.value.alias, caught.value.limit) == ("bolt", 1)
    assert visit(acme)
    assert not visit(bolt)


@committing
def test_callbacks_to_come_are_a_use(acme: Tenant, bolt: Tenant, configure: Configure) -> None:
    ran: list[str | None] = []
    with tenant_context(acme), transaction.atomic():
        transaction.on_commit(lambda: ran.append(current_alias()))
        used: Any = connections["acme"]
        assert used.in_use
        with tenant_context(bolt, switch=True):
            Author.objects.exists()
    assert ran == ["acme"]


@committing
def test_a_closed_cursor_is_no_use(acme: Tenant, bolt: Tenant, configure: Configure) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=1)
    with tenant_context(acme), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert cursor is not None  # the variable holds it still
    assert not visit(bolt)
    assert live() == ["bolt"]


@committing
def test_an_evicted_connection_takes_djangos_caches_along(acme: Tenant, bolt: Tenant, configure: Configure) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=1)
    with tenant_context(acme):
        ContentType.objects.get_for_model(Author)
    assert "acme" in base.RAN_DB_VERSION_CHECK
    visit(bolt)
    assert "acme" not in ContentType.objects._cache  # type: ignore[attr-defined]  # Django's own
    assert "acme" not in base.RAN_DB_VERSION_CHECK
