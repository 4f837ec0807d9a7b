"""What drf-spectacular writes into a schema for our authentication classes; it knows the extensions it has imported."""

from __future__ import annotations

from drf_spectacular.authentication import BasicScheme, SessionScheme, TokenScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme

AUTHENTICATION = "multi_tenant.contrib.rest.authentication"


class TenantSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]  # its registration has no types
    """The session's cookie."""

    target_class = f"{AUTHENTICATION}.TenantSessionAuthentication"
    priority = 0


class TenantBasicScheme(BasicScheme):  # type: ignore[no-untyped-call]  # its registration has no types
    """A name and a password."""

    target_class = f"{AUTHENTICATION}.TenantBasicAuthentication"
    priority = 0


class TenantTokenScheme(TokenScheme):  # type: ignore[no-untyped-call]  # its registration has no types
    """A token in the header."""

    target_class = f"{AUTHENTICATION}.TenantTokenAuthentication"
    priority = 0


class TenantJWTScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # its registration has no types
    """A JSON web token in the header, where simplejwt is installed."""

    target_class = "multi_tenant.contrib.rest.jwt.TenantJWTAuthentication"
    optional = True
