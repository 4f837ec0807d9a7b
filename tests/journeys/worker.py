"""How an answer says which of the server's workers gave it."""

from __future__ import annotations

import os

HEADER = "X-Worker"
#: Where the worker was when the request came; only the crowd's site says so.
BEFORE = "X-Before"


def signature() -> tuple[str, str]:
    """The header of this worker's answers."""
    return HEADER, str(os.getpid())
