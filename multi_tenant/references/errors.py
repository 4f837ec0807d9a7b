"""The errors of a deletion in the public database that tenants have a say in."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import ProtectedError

from multi_tenant.exceptions import MultiTenantError


class ReferencedError(MultiTenantError, ProtectedError):
    """Public rows were not deleted, because rows of the tenants ``aliases`` point to them and are protected."""

    def __init__(self, message: str, *, aliases: Iterable[str] = ()) -> None:
        # Without the rows: who handles the error is not in their tenants.
        super().__init__(message, set())
        self.args = (message,)
        self.aliases = tuple(aliases)


class ReferencesUnknownError(MultiTenantError):
    """Public rows were not deleted, because the tenants ``aliases`` could not be asked whether they point to them."""

    def __init__(self, message: str, *, aliases: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.aliases = tuple(aliases)


class ReferencesLeftError(MultiTenantError):
    """Public rows were deleted, and rows of the tenants ``aliases``, which failed meanwhile, still point to them."""

    def __init__(self, message: str, *, aliases: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.aliases = tuple(aliases)
