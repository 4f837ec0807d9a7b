"""The guard's look at connections: a tenant's is used while that tenant is active, or closed.

A tenant's connection calls it for each cursor, and each use of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from multi_tenant.conf import Guard, conf
from multi_tenant.context import active_place
from multi_tenant.exceptions import WrongTenantError
from multi_tenant.registry.lookup import TenantRecord

#: Attributes of a driver's cursor that neither ask nor tell anything of the database's rows.
HARMLESS = frozenset({"arraysize", "close", "closed", "connection", "description", "lastrowid", "rowcount"})


def check_connection(connection: Any) -> None:
    """Raise WrongTenantError when a tenant's connection is used while that tenant is not the active one."""
    record: TenantRecord = connection.record
    place = active_place.get()
    if place.alias == record.alias and (place.uuid is record.uuid or place.uuid == record.uuid):
        return
    if not connection.guarded or conf.GUARD is Guard.OFF:
        return
    raise WrongTenantError(
        f"A connection to {record.alias!r} was used while {place.alias or 'no tenant'!r} is active. Enter the tenant "
        f"with tenant_context({record.alias!r}), and ask for connections, cursors and iterators there.",
        found=record.alias,
        expected=place.alias,
    )


class GuardedCursor:
    """The mixin over Django's cursors of a tenant: each call looks at the place anew, as a cursor may be held."""

    db: Any
    cursor: Any

    def __getattr__(self, name: str) -> Any:
        if name not in HARMLESS:
            check_connection(self.db)
        return super().__getattr__(name)  # type: ignore[misc]  # Django's cursor has it

    def fetchone(self, *args: Any) -> Any:
        """The driver's; as a method of ours, since ``iter(cursor.fetchone, None)`` looks it up once."""
        return self.__getattr__("fetchone")(*args)

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        """As ``fetchone``."""
        return self.__getattr__("fetchmany")(*args, **kwargs)

    def fetchall(self, *args: Any) -> Any:
        """As ``fetchone``."""
        return self.__getattr__("fetchall")(*args)

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():  # type: ignore[misc]  # as above
            check_connection(self.db)
            yield row

    def close(self) -> None:
        """Closing is allowed anywhere, and is no use of the connection any more."""
        self.db.forget_cursor(self)
        self.cursor.close()

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        """``callproc`` does not go the way of the other statements."""
        check_connection(self.db)
        return super().callproc(*args, **kwargs)  # type: ignore[misc]  # as above

    def _execute_with_wrappers(self, *args: Any, **kwargs: Any) -> Any:
        check_connection(self.db)
        result = super()._execute_with_wrappers(*args, **kwargs)  # type: ignore[misc]  # as above
        return self if result is self.cursor else result  # some drivers answer their cursor, which looks at nothing


def guarded(cursor: Any) -> Any:
    """The cursor, from now on guarded."""
    stock: Any = type(cursor)
    cursor.__class__ = guarded_class(stock)
    return cursor


@cache
def guarded_class(stock: Any) -> Any:
    """A class of Django's cursors with the guard over it; there are two for each engine, plain and debug."""
    return type(stock.__name__, (GuardedCursor, stock), {"__module__": stock.__module__, "__doc__": stock.__doc__})
