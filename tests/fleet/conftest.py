"""Tenants for the fleet's tests."""

from __future__ import annotations

from tests.fleets import acme as acme
from tests.fleets import bolt as bolt
from tests.fleets import leftovers as leftovers
from tests.fleets import postgres_entry as postgres_entry
from tests.fleets import registry as registry
from tests.fleets import server as server
