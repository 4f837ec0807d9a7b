"""What every page says of the tenant that it was made for."""

from __future__ import annotations

from zlib import crc32

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest

from multi_tenant import current_tenant


def tenant(request: HttpRequest) -> dict[str, object]:
    """The tenant, a colour for it, and the alias and kind of its connection; on the public site there is none.

    ``at_platform`` is for pages at the public site's address, where one goes from one team to another.
    """
    record = current_tenant()
    at_platform = request.get_host().partition(":")[0] in settings.PLATFORM_HOSTS
    if record is None:
        return {"at_platform": at_platform}
    return {
        "at_platform": at_platform,
        "tenant": record,
        "hue": crc32(record.alias.encode()) % 360,
        "connection": connections[DEFAULT_DB_ALIAS],
    }
