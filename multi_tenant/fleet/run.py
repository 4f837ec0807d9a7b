"""A run over the fleet: the same work in one tenant after another, a failure in one kept from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic
from traceback import clear_frames
from typing import Generic, TypeVar

from django.core.management.base import CommandError

from multi_tenant.context import tenant_context
from multi_tenant.exceptions import MultiTenantError
from multi_tenant.fleet.selection import FleetTenant
from multi_tenant.routing.owner import retire

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How the work went in one tenant: what it answered, or the ``error`` that it raised."""

    alias: str
    seconds: float
    value: T | None = None
    error: Exception | SystemExit | None = None

    @property
    def reason(self) -> str:
        """Why the work failed, in one text; "" where it went well."""
        if isinstance(self.error, SystemExit):
            return f"it ended with {self.error.code}"
        if self.error is None or isinstance(self.error, (CommandError, MultiTenantError)):
            return str(self.error or "")
        return f"{type(self.error).__name__}: {self.error}"


def run_in_each(
    tenants: Iterable[FleetTenant], work: Callable[[FleetTenant], T], *, any_state: bool = False
) -> Iterator[Outcome[T]]:
    """Do the work inside each tenant in turn, and answer each one's outcome before the next begins.

    Tenants that are not active fail, unless ``any_state`` lets the work in. Whoever stops to iterate stops the run.
    """
    for tenant in tenants:
        yield attempt(tenant.alias, partial(run_inside, tenant, work, any_state=any_state))


def run_inside(tenant: FleetTenant, work: Callable[[FleetTenant], T], *, any_state: bool) -> T:
    """Do the work inside one tenant. Raises what entering it raises."""
    with tenant_context(tenant, switch=True, any_state=any_state):
        return work(tenant)


def attempt(alias: str, work: Callable[[], T]) -> Outcome[T]:
    """Do the work that a tenant is due, and close its connection. Only KeyboardInterrupt gets out of it."""
    started = monotonic()
    value: T | None = None
    error: Exception | SystemExit | None = None
    try:
        value = work()
    except SystemExit as exc:  # how commands such as `migrate --check` say no
        error = exc if exc.code else None
    except Exception as exc:  # noqa: BLE001  # any command's, any migration's: the caller has it in the outcome
        error = exc
    finally:
        let_go(error)
        retire(alias)  # no connection of this thread stays open behind a run, but one that a caller's block is using
    return Outcome(alias, monotonic() - started, value, error)


def let_go(error: BaseException | None) -> None:
    """Empty the frames that an error remembers: a cursor left open in one would keep its tenant's connection open."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
