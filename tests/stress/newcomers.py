"""Tenants that come and go while a crowd works, and how the crowd's visits to them fare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, cycle
from typing import Any

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection, connections, transaction

from multi_tenant.context import current_tenant, tenant_context
from multi_tenant.exceptions import TenantUnavailableError, UnknownTenantError, WrongTenantError
from multi_tenant.lifecycle import delete, purge, resume, suspend
from multi_tenant.registry.models import AbstractTenant
from tests.stress.async_operations import TWINS
from tests.stress.audit import expect_soon
from tests.stress.crowd import Crowd
from tests.stress.grounds import Ground
from tests.stress.worker import Worker, expect, inside
from tests.testapp.library.models import Author

#: The aliases that newcomers bear, one after the other.
ALIASES = ("guest-a", "guest-b")
SERVED, REFUSED = "served", "refused"
#: How a visit may be refused: there is no such tenant, it is not active, the alias is another's by now, or (an
#: OperationalError, too) its database is gone. The last two are a session that ended in the middle of a visit, which
#: is what deleting by force does.
REFUSALS = (UnknownTenantError, TenantUnavailableError, WrongTenantError, OperationalError, InterfaceError)
#: Visits to a newcomer for which each stage of its life lasts, while there is somebody to visit it.
VISITS = 2


class Registrar:
    """Makes, suspends, resumes, deletes and purges newcomers, as long as the crowd works and for one life at least."""

    def __init__(self, ground: Ground, crowd: Crowd) -> None:
        self.ground = ground
        self.crowd = crowd
        self.lives = 0
        self.steps = 0

    def work(self) -> None:
        try:
            for alias in cycle(ALIASES):
                self.live(alias)
                self.lives += 1
                if self.crowd.is_over:
                    break
        finally:
            connections.close_all()

    def live(self, alias: str) -> None:
        """One tenant from its beginning to its end, which leaves the alias for the next one."""
        tenant = self.ground.make(alias)
        self.look(tenant)
        for change in (suspend, resume):
            self.wait_for_visits(alias)
            change(alias)
        self.look(tenant)
        self.wait_for_visits(alias)
        if self.lives % 2:
            suspend(alias)
            self.wait_for_visits(alias)
        delete(alias, force=True, archive=False)
        self.wait_for_visits(alias)
        purge(alias)

    def look(self, tenant: AbstractTenant) -> None:
        """Nobody sees what was written for a predecessor."""
        self.steps += 1
        with tenant_context(tenant):
            expect_own(tenant.alias, tenant.uuid, list(Author.objects.values_list("name", flat=True)))

    def wait_for_visits(self, alias: str) -> None:
        """Let the crowd come by, whatever it finds."""
        self.steps += 1
        wanted = self.visits(alias) + VISITS
        expect_soon(lambda: self.crowd.is_over or self.visits(alias) >= wanted, f"nobody visits {alias!r}")

    def visits(self, alias: str) -> int:
        return sum(worker.visits[alias, how] for worker in self.crowd.workers for how in (SERVED, REFUSED))


def expect_own(alias: str, uuid: Any, names: list[str]) -> None:
    """Each row bears the uuid of the tenant that it was read in."""
    foreign = [name for name in names if not name.startswith(f"{alias}:{uuid}:")]
    expect(not foreign, f"{foreign[:3]} were read in {alias!r} of {uuid}")


serials = count()


def use(alias: str) -> None:
    """What a visitor does: read, write, write in a block, and read by a statement of its own."""
    tenant = current_tenant()
    assert tenant is not None
    name = f"{alias}:{tenant.uuid}:{next(serials)}"
    Author.objects.create(name=name)
    with transaction.atomic():
        Author.objects.create(name=name)
        expect_own(alias, tenant.uuid, list(Author.objects.values_list("name", flat=True)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM library_author")
        expect_own(alias, tenant.uuid, [row[0] for row in cursor.fetchall()])


def visit(worker: Worker, alias: str) -> None:
    """An operation: visit a newcomer, which there may not be."""
    newcomer = worker.rng.choice(ALIASES)
    with noted(worker, newcomer), inside(newcomer):
        use(newcomer)


async def visit_async(worker: Worker, alias: str) -> None:
    """The same by asynchronous methods."""
    newcomer = worker.rng.choice(ALIASES)
    with noted(worker, newcomer):
        async with tenant_context(newcomer, switch=True):
            tenant = await sync_to_async(current_tenant)()
            assert tenant is not None
            await Author.objects.acreate(name=f"{newcomer}:{tenant.uuid}:{next(serials)}")
            names = [author.name async for author in Author.objects.all()]
            expect_own(newcomer, tenant.uuid, names)


@contextmanager
def noted(worker: Worker, alias: str) -> Iterator[None]:
    """Note how a visit went; nothing but the right refusals is caught."""
    how = REFUSED
    try:
        yield
        how = SERVED
        worker.outcomes[SERVED] += 1
    except REFUSALS as exc:
        worker.outcomes[type(exc).__name__] += 1
    finally:
        worker.visits[alias, how] += 1


TWINS[visit] = visit_async
