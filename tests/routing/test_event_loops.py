"""What Django asks of connections inside an event loop itself, where nothing may be opened or closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync

from multi_tenant.context import tenant_context
from tests.testapp.library.models import Author


async def look(alias: str) -> list[Author]:
    async with tenant_context(alias):
        return [author async for author in Author.objects.aiterator()]


@async_to_sync
async def look_in_both() -> None:
    for alias in ("acme", "bolt"):
        assert await look(alias) == []


def test_more_tenants_than_the_cap_are_iterated_over_in_a_loop(
    transactional_db: None, acme: Any, bolt: Any, configure: Callable[..., None]
) -> None:
    configure(MAX_CONNECTIONS_PER_THREAD=1)
    look_in_both()
