"""What an engine can do: create, clone, drop, dump and restore databases."""

from __future__ import annotations

from multi_tenant.databases.base import Engine as Engine
from multi_tenant.databases.base import engine_of as engine_of
from multi_tenant.databases.base import register as register
