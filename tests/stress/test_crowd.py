"""A crowd over fifty tenants with equal keys: no row crosses, none is lost, nothing is left open.

While it works, other tenants are made, suspended, resumed, deleted and purged, and their aliases given to new ones.
"""

from __future__ import annotations

import pytest

from tests.stress import newcomers
from tests.stress.conftest import TENANTS, Town
from tests.stress.crowd import Crowd
from tests.stress.day import MODES, spend
from tests.stress.newcomers import SERVED, Registrar
from tests.stress.operations import OPERATIONS

TOTALS = (10_000, pytest.param(200_000, marks=pytest.mark.soak))
#: How often a newcomer is visited, among the weights of the operations.
NEWCOMERS = 3


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("mode", MODES)
def test_no_row_crosses_while_tenants_come_and_go(town: Town, mode: str, total: int) -> None:
    crowd = Crowd(town.people(TENANTS), total, operations={**OPERATIONS, newcomers.visit: NEWCOMERS})
    spend(town, crowd, mode=mode, registrar=Registrar(town.ground, crowd))
    assert crowd.outcomes[SERVED]
    assert crowd.outcomes["TenantUnavailableError"]
    assert crowd.outcomes["UnknownTenantError"]


@pytest.mark.parametrize("mode", MODES)
def test_no_row_crosses_where_nothing_else_happens(town: Town, mode: str) -> None:
    spend(town, Crowd(town.people(TENANTS), 500), mode=mode)
