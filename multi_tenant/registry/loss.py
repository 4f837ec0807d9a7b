"""Whether a connection's link to its server is gone; asked when a statement failed, by the registry and by tenants."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper


def is_lost(connection: BaseDatabaseWrapper) -> bool:
    """Whether a connection that was open can never be used again. One that was not open has nothing to lose.

    Drivers that know are believed without a question to the server, which may answer as slowly as it failed.
    """
    raw = connection.connection
    if raw is None or connection.vendor == "sqlite":  # a file has no server
        return False
    # MySQL's driver says that a connection is not closed until we close it.
    closed = None if connection.vendor == "mysql" else getattr(raw, "closed", None)
    return not connection.is_usable() if closed is None else bool(closed)
