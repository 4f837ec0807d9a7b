"""Whether code runs inside an event loop; asked by what would run SQL, or keep connections, for it."""

from __future__ import annotations

import asyncio


def in_event_loop() -> bool:
    """Whether the caller runs inside an event loop, where no SQL may be run."""
    return asyncio._get_running_loop() is not None
