"""A signed credential for one tenant, for programs that ask the public site; CredentialResolver reads it."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.utils.crypto import constant_time_compare, salted_hmac

from multi_tenant.context import current_tenant
from multi_tenant.exceptions import NoTenantError
from multi_tenant.users.identity import show_identity
from multi_tenant.users.members import find_member
from multi_tenant.users.resolvers import Claim

#: The scheme in the header Authorization.
SCHEME = "Tenant"
SALT = "multi_tenant.users.credentials"


def issue_credential(member: Any, *, seconds: float) -> str:
    """A text with which a program acts as a member of the active tenant, as ``Authorization: Tenant <text>``.

    It ends after so many seconds, with the membership, and with the password. Raises NoTenantError outside of tenants.
    """
    tenant = current_tenant()
    if tenant is None:
        raise NoTenantError("A credential is for one tenant, and none is active. Enter it with tenant_context(alias).")
    show_identity(member)
    facts = [tenant.alias, str(tenant.uuid), str(member.pk), fingerprint(member), time.time() + seconds]
    return signing.dumps(facts, salt=SALT)


def read_credential(request: Any) -> Claim | None:
    """The claim of a request's credential, None where it has none. Raises PermissionDenied for one that is not right.

    Runs on the public site.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme != SCHEME:
        return None
    try:
        alias, tenant, key, known, ends = signing.loads(text.strip(), salt=SALT)
    except (signing.BadSignature, ValueError):
        raise PermissionDenied("This credential is not right.") from None
    person = find_member(key)
    if person is None or time.time() >= ends or not constant_time_compare(fingerprint(person), known):
        raise PermissionDenied("This credential has ended.")
    return Claim(alias, person.pk, UUID(tenant), insisting=True)


def fingerprint(person: Any) -> str:
    """What changes with the identity's password."""
    return salted_hmac(SALT, person.password, algorithm="sha256").hexdigest()
