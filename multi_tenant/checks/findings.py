"""The table of all that checks can find, by id; the checks fill in the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's name

from multi_tenant.exceptions import ConfigurationError

#: What is wrong, and the cure. Ids beginning with E keep Django from starting, those with W do not.
FINDINGS: Mapping[str, tuple[str, str]] = {
    "E001": (
        'MULTI_TENANT has no setting "{name}".',
        "Take it out, or correct its name: {names}.",
    ),
    "E002": (
        'MULTI_TENANT["{name}"] has a wrong value: {problem}.',
        "{cure}",
    ),
    "E003": (
        'MULTI_TENANT["ENCRYPTION_KEYS"] cannot be used: {problem}.',
        "{cure}",
    ),
    "E004": (
        "The models of {app} have no home: MULTI_TENANT lists the app neither in SHARED_APPS nor in TENANT_APPS.",
        "Add it to SHARED_APPS for tables in the public database, to TENANT_APPS for tables in tenants, or to both.",
    ),
    "E005": (
        'MULTI_TENANT["{name}"] lists {app!r}, which is not installed.',
        "Add it to INSTALLED_APPS, or take it out of {name}.",
    ),
    "E006": (
        'MULTI_TENANT["TENANT_APPS"] lists {app}, which holds the registry of tenants.',
        "Take it out: the registry is in the public database only.",
    ),
    "E007": (
        'DATABASES has an alias "{alias}", a name that multi_tenant uses itself.',
        "Give that database another alias.",
    ),
    "E008": (
        "TenantRouter is missing from DATABASE_ROUTERS, so every query goes to the public database.",
        'Put "multi_tenant.routing.TenantRouter" into DATABASE_ROUTERS.',
    ),
    "E009": (
        "TenantMiddleware is missing from MIDDLEWARE, so no request reaches a tenant.",
        'Put "multi_tenant.middleware.TenantMiddleware" first in MIDDLEWARE.',
    ),
    "E010": (
        "{field} points from tenants' databases to {target}, whose table is not there.",
        "{cure}",
    ),
    "E011": (
        "{field} points from the public database to {target}, whose table is not there.",
        "{cure}",
    ),
    "E012": (
        "The changes that multi_tenant makes to Django are not in place ({missing}), so tenants are not kept apart.",
        "Have INSTALLED_APPS name multi_tenant by its own AppConfig, or call super().__init__() in yours.",
    ),
    "E013": (
        "A resolver cannot be used: {problem}.",
        "{cure}",
    ),
    "E014": (
        'TENANT_MODEL names "{model}", which is not a tenant model.',
        "Name a model that derives from multi_tenant.models.AbstractTenant, in an app of SHARED_APPS.",
    ),
    "E015": (
        "The manager {manager} of the tenant model does not tell processes of changes, so that they go on serving.",
        "Have its querysets derive from those of multi_tenant.models.Tenant.objects, or leave the manager out.",
    ),
    "E016": (
        'The admin site "{site}" offers shared models inside tenants ({models}), whose staff may change them there.',
        "List multi_tenant.contrib.admin instead of django.contrib.admin; derive your own sites from TenantAdminSite.",
    ),
    "E017": (
        "multi_tenant.users is not both in SHARED_APPS and in TENANT_APPS, so people have a table in one place alone.",
        "List it in both: identities are in the public database, members in the tenants'.",
    ),
    "E018": (
        'AUTH_USER_MODEL is "{model}", of which tenants have no members.',
        'Set it to "multi_tenant_users.GlobalUser", or derive your model from AbstractGlobalUser.',
    ),
    "E019": (
        "MemberMiddleware is missing from MIDDLEWARE, so tenants' visitors are not asked for membership.",
        'Put "multi_tenant.users.middleware.MemberMiddleware" after AuthenticationMiddleware in MIDDLEWARE.',
    ),
    "E020": (
        "MemberMiddleware stands before AuthenticationMiddleware, or without it, so it does not know who asks.",
        "Put it after django.contrib.auth.middleware.AuthenticationMiddleware.",
    ),
    "E021": (
        "{field} is a PublicForeignKey to {target}, which is not in the public database alone.",
        "Make it a ForeignKey: both tables are in the tenant's database.",
    ),
    "E022": (
        "{field} is a PublicForeignKey of a model that no tenant has.",
        "Make it a ForeignKey: {target} is in the public database, too.",
    ),
    "E023": (
        "REST framework is installed without multi_tenant.contrib.rest, so its tokens let in who has left a tenant.",
        'Put "multi_tenant.contrib.rest" into INSTALLED_APPS.',
    ),
    "E024": (
        "{manager} is a manager of people that writes identities in bulk from within a tenant.",
        "Derive it from multi_tenant.users.managers.GlobalUserManager.",
    ),
    "W001": (
        "TenantMiddleware is not the first of MIDDLEWARE: {before} runs before a tenant is chosen.",
        "Move it to the top, or make sure that what stands before it never touches a tenant's data.",
    ),
    "W002": (
        'A HeaderResolver never answers, because MULTI_TENANT["TRUSTED_PROXIES"] is empty.',
        "List the addresses of the proxies that set the header, such as 10.0.0.0/8.",
    ),
    "W003": (
        "{resolver} lets whoever sends a request choose its tenant, and nothing asks for membership.",
        "Install multi_tenant.users, or see to it that each view of yours checks the visitor's right to the tenant.",
    ),
    "W004": (
        'MULTI_TENANT["TRUSTED_PROXIES"] trusts every address ({network}), so any visitor can name a tenant.',
        "List the addresses of your own proxies only.",
    ),
    "W005": (
        'DATABASES["default"] sets AUTOCOMMIT to False, so each read of the registry opens a second connection.',
        "Leave AUTOCOMMIT on, and open transactions where they are needed.",
    ),
    "W006": (
        "DomainResolver is asked before SubdomainResolver, so a domain given to one tenant can be another's subdomain.",
        "Put SubdomainResolver first, so that nobody receives {base} names of others by claiming them.",
    ),
    "W007": (
        "{count} tenants are served with credentials of servers of their own ({aliases}), whose rights are not known.",
        "See to it that these logins may work with rows alone, or that whoever runs the server accepts the risk.",
    ),
    "W008": (
        "{count} tenants are served with the login of the server, which may do all that it may ({aliases}).",
        "Give them logins of their own: manage.py rotate_tenant_logins --all.",
    ),
    "W009": (
        'The admin site "{site}" offers tenant models on the public site ({models}), where they have no tables.',
        "List multi_tenant.contrib.admin instead of django.contrib.admin; derive your own sites from TenantAdminSite.",
    ),
    "W010": (
        'MULTI_TENANT["SESSION_SCOPE"] is "site", but each tenant keeps sessions of its own.',
        "Take django.contrib.sessions out of TENANT_APPS, or choose another SESSION_ENGINE.",
    ),
}

Check = Callable[..., list[CheckMessage]]


def finding(name: str, /, *, obj: Any = None, **facts: str) -> CheckMessage:
    """The message of an id, filled in."""
    text, cure = FINDINGS[name]
    level = Error if name.startswith("E") else Warning
    return level(text.format(**facts), hint=cure.format(**facts), obj=obj, id=f"multi_tenant.{name}")


def finding_of(name: str, exc: ConfigurationError, /, **facts: str) -> CheckMessage:
    """A finding out of an error, whose message ends with what to do."""
    problem, _, cure = str(exc).partition(". ")
    return finding(name, problem=problem, cure=cure, **facts)


def on_readable_settings(check: Callable[..., Iterable[CheckMessage]]) -> Check:
    """A check that has nothing to say while a setting it reads is wrong: `check_settings` says so."""

    @wraps(check)
    def run(**kwargs: Any) -> list[CheckMessage]:
        try:
            return list(check(**kwargs))
        except ConfigurationError:
            return []

    return run
