"""Every error that multi_tenant raises, for the code that catches them."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError
from django.utils.connection import ConnectionDoesNotExist


class MultiTenantError(Exception):
    """The root of all errors of multi_tenant."""


class ConfigurationError(MultiTenantError, ImproperlyConfigured):
    """A setting is missing or wrong."""


class NoTenantError(MultiTenantError):
    """Tenant data was asked for while no tenant is active.

    ``model`` is the label of the model that was refused, None where none is known.
    """

    def __init__(self, message: str, *, model: str | None = None) -> None:
        super().__init__(message)
        self.model = model


class WrongTenantError(MultiTenantError):
    """Something that belongs to one place is used in another.

    ``found`` is the alias that the object or connection belongs to, ``expected`` the alias that is active.
    """

    def __init__(self, message: str, *, found: str | None = None, expected: str | None = None) -> None:
        super().__init__(message)
        self.found = found
        self.expected = expected


class WrongDatabaseError(WrongTenantError):
    """A tenant's entry leads to a database that does not bear the tenant's marker."""

    def __init__(self, alias: str, *, found: str | None) -> None:
        super().__init__(
            f"The database of {alias!r} is not marked as this tenant's ({found or 'no marker'}). Check that the entry "
            "names the right database; one that belongs to the tenant is taken over by adopt_tenant.",
            found=found,
            expected=alias,
        )
        self.alias = alias


class UnknownTenantError(MultiTenantError, ConnectionDoesNotExist):
    """No tenant of that alias is in the registry."""

    def __init__(self, alias: str, message: str = "") -> None:
        super().__init__(message or f"There is no tenant {alias!r}. See `manage.py list_tenants` for those there are.")
        self.alias = alias


class TenantUnavailableError(MultiTenantError):
    """The tenant is known, but its state does not let it be served."""

    def __init__(self, alias: str, state: str, message: str = "") -> None:
        super().__init__(
            message
            or f"Tenant {alias!r} is {state}, and only active tenants are served. Operators' code may enter it "
            "with tenant_context(..., any_state=True)."
        )
        self.alias = alias
        self.state = state


class TenantSwitchError(MultiTenantError):
    """A tenant was entered straight from another one."""

    def __init__(self, active: str, wanted: str) -> None:
        super().__init__(
            f"Tenant {active!r} is active, so {wanted!r} cannot be entered from here by accident. Say "
            f"tenant_context({wanted!r}, switch=True) if the change is meant."
        )
        self.active = active
        self.wanted = wanted


class ConnectionLimitError(MultiTenantError):
    """Every tenant connection that this thread may open is in use."""

    def __init__(self, alias: str, limit: int) -> None:
        super().__init__(
            f"No connection to {alias!r} can be opened: all {limit} tenant connections of this thread are in use. "
            'Close blocks and cursors of other tenants first, or raise MULTI_TENANT["MAX_CONNECTIONS_PER_THREAD"].'
        )
        self.alias = alias
        self.limit = limit


class TenantConnectionError(MultiTenantError, OperationalError):
    """A tenant's database cannot be reached or refuses the login; its settings are never part of the message."""

    def __init__(self, alias: str, reason: str) -> None:
        super().__init__(
            f"The database of {alias!r} cannot be used: {reason}. Check that its server is up and that the entry's "
            "host, port, name, user and password are right."
        )
        self.alias = alias
        self.reason = reason


class RegistryUnavailableError(MultiTenantError):
    """The public database is out of reach and nothing fresh enough is cached."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "The registry of tenants is out of reach. Check the public database; served tenants go on for "
            'MULTI_TENANT["REGISTRY_STALE_IF_ERROR"] seconds.'
        )


class RegistryNotCachedError(MultiTenantError):
    """A tenant was entered by a plain ``with`` inside a running event loop, and the registry would have to be asked."""

    def __init__(self, alias: str) -> None:
        super().__init__(
            f"Tenant {alias!r} is not cached, and the registry cannot be asked synchronously inside a running event "
            f"loop. Say `async with tenant_context({alias!r})`."
        )
        self.alias = alias


class DecryptionError(MultiTenantError):
    """A ciphertext cannot be opened: the key is missing, or it belongs to another row or column."""


class InvalidAliasError(MultiTenantError, ValueError):
    """An alias is malformed, reserved or taken."""


class InvalidEntryError(MultiTenantError, ValueError):
    """A database entry breaks a rule; ``key`` names the offending key, its value is never repeated."""

    def __init__(self, message: str, *, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class ProvisioningError(MultiTenantError):
    """A step of a tenant's life could not be done; ``step`` names it."""

    def __init__(self, message: str, *, step: str) -> None:
        super().__init__(message)
        self.step = step


class DatabaseExistsError(ProvisioningError):
    """A database of the wanted name is on the server already; the name is never part of the message."""

    def __init__(self, *, step: str = "database") -> None:
        super().__init__(
            "A database of that name exists already, and it was not touched. Choose another name, or take the database "
            "over with adopt_tenant.",
            step=step,
        )


class IdentityProtectedError(MultiTenantError):
    """A tenant tried to change who a person is elsewhere."""


class InvitationError(MultiTenantError):
    """An invitation cannot be accepted; ``reason`` is unknown, used, revoked or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The invitation is {reason}. Ask whoever sent it for a new one.")
        self.reason = reason


class InvalidAuthorityError(MultiTenantError, ValueError):
    """The authority that a member is to have is not understood, or names a group that the tenant has not."""
