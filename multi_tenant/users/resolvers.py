"""Resolvers that need to know the visitor; MemberMiddleware asks them on the public site, and lets members alone in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.apps import apps
from django.utils.module_loading import import_string

from multi_tenant.context import ACTIVE
from multi_tenant.registry.aliases import PUBLIC
from multi_tenant.users.public import read_public

#: The key in a session under which the chosen tenant stands, as its alias and its uuid.
CHOICE = "_multi_tenant_choice"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a resolver has found: a tenant, and the person who is to be let in.

    ``tenant`` is the uuid, None where only the alias is known. An ``insisting`` claim is refused where it cannot be
    granted; without it the request goes on on the public site.
    """

    alias: str
    person: Any
    tenant: UUID | None = None
    insisting: bool = False


class MemberResolver(Protocol):
    """Anything with ``resolve``; made once per process with its options from MULTI_TENANT["MEMBER_RESOLVERS"].

    It runs on the public site, when Django has found out who the visitor is, and may query shared models. Besides a
    claim it may answer an alias, for the person who is signed in. A method ``aresolve`` is its twin for coroutines.
    """

    def resolve(self, request: Any) -> Claim | str | None:
        """The claim that the request makes, None where it makes none."""
        ...


class SessionResolver:
    """Takes who is signed in to the tenant that was chosen in the session, by the view that switches."""

    def resolve(self, request: Any) -> Claim | None:
        choice = chosen(request.session.get(CHOICE))
        return Claim(choice[0], request.user.pk, choice[1]) if choice and request.user.is_authenticated else None


class UserResolver:
    """Takes who is signed in to its tenant, where it has just one."""

    def resolve(self, request: Any) -> Claim | None:
        if not request.user.is_authenticated:
            return None
        tenants = read_public(lambda: list(tenants_of(request.user.pk)[:2]))
        return Claim(tenants[0][0], request.user.pk, tenants[0][1]) if len(tenants) == 1 else None


class CredentialResolver:
    """Takes whoever holds a credential that names a tenant there, or refuses.

    ``reader`` is the dotted path of what looks at a request and answers a Claim, None where there is no credential, or
    raises PermissionDenied for one that is not right; by default that of ``issue_credential``.
    """

    def __init__(self, *, reader: str = "multi_tenant.users.credentials.read_credential") -> None:
        self.read = import_string(reader)

    def resolve(self, request: Any) -> Claim | None:
        claim: Claim | None = self.read(request)
        return claim


def chosen(value: Any) -> tuple[str, UUID] | None:
    """What a session says of the tenant that was chosen."""
    match value:
        case [str(alias), str(tenant)]:
            return alias, UUID(tenant)
    return None


def tenants_of(key: Any) -> Any:
    """Alias, uuid and name of each tenant that a person may enter now, in the order of their names."""
    rows = apps.get_model("multi_tenant_users.Membership")._base_manager.using(PUBLIC)
    mine = rows.filter(user_id=key, is_active=True, tenant__state=ACTIVE)
    return mine.order_by("tenant__name", "tenant__alias").values_list("tenant__alias", "tenant_id", "tenant__name")
