"""A crowd over fifty tenants with equal keys: no row crosses, none is lost, nothing is left open.

While it works, other tenants are made, suspended, resumed, deleted and purged.
"""

from __future__ import annotations

import pytest

from tests.stress import newcomers
from tests.stress.conftest import TENANTS, Town
from tests.stress.crowd import Crowd
from tests.stress.day import MODES, spend
from tests.stress.newcomers import SERVED, Registrar
from tests.stress.operations import OPERATIONS

in_each_mode = pytest.mark.parametrize("mode", MODES)


def spend_with_newcomers(town: Town, total: int, *, mode: str) -> None:
    """A day with newcomers; the crowd meets them in service and out of it."""
    crowd = Crowd(town.people(TENANTS), total, operations={**OPERATIONS, newcomers.visit: 3})
    registrar = Registrar(town.ground, crowd)
    spend(town, crowd, mode=mode, registrar=registrar)
    assert crowd.outcomes[SERVED]
    assert crowd.outcomes["TenantUnavailableError"]
    assert crowd.outcomes["UnknownTenantError"]


@in_each_mode
def test_a_crowd_leaves_each_row_where_it_belongs(town: Town, mode: str) -> None:
    spend(town, Crowd(town.people(TENANTS), 10_000), mode=mode)


@in_each_mode
def test_so_it_does_while_other_tenants_come_and_go(town: Town, mode: str) -> None:
    spend_with_newcomers(town, 10_000, mode=mode)


@pytest.mark.soak
@in_each_mode
def test_a_crowd_that_stays_leaves_each_row_where_it_belongs(town: Town, mode: str) -> None:
    spend(town, Crowd(town.people(TENANTS), 200_000), mode=mode)


@pytest.mark.soak
@in_each_mode
def test_so_it_does_while_many_tenants_come_and_go(town: Town, mode: str) -> None:
    spend_with_newcomers(town, 200_000, mode=mode)
