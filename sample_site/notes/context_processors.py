"""What every page says of the tenant that it was made for."""

from __future__ import annotations

from zlib import crc32

from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest

from multi_tenant import current_tenant


def tenant(request: HttpRequest) -> dict[str, object]:
    """The tenant, a colour for it, and the alias and kind of its connection; nothing on the public site."""
    record = current_tenant()
    if record is None:
        return {}
    return {
        "tenant": record,
        "hue": crc32(record.alias.encode()) % 360,
        "connection": connections[DEFAULT_DB_ALIAS],
    }
