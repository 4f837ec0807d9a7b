"""The row of a tenant that is being made: its alias and hosts are taken before anything else, or nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidAliasError, ProvisioningError
from multi_tenant.lifecycle.placement import tenant_model
from multi_tenant.registry.aliases import PUBLIC, validate_alias
from multi_tenant.registry.hosts import InvalidHostError, normalise_host
from multi_tenant.registry.models import AbstractTenant, Domain, TenantState

RESERVED = "reserve"
#: States in which a tenant is still being made, so that making it goes on.
UNFINISHED = frozenset({TenantState.PENDING, TenantState.PROVISIONING, TenantState.FAILED})


def tenant_to_make(alias: str) -> AbstractTenant:
    """The unsaved tenant of a new alias, or the row that an earlier attempt left. Raises InvalidAliasError."""
    validate_alias(alias)
    found: AbstractTenant | None = tenant_model()._base_manager.using(PUBLIC).filter(alias=alias).first()
    if found is None:
        tenant: AbstractTenant = tenant_model()(alias=alias)
        return tenant
    if found.state in UNFINISHED:
        return found
    if found.state == TenantState.DELETED:
        raise InvalidAliasError(
            f"The alias {alias!r} was a deleted tenant's, whose archives and tokens bear it. Choose another alias, or "
            "purge that tenant."
        )
    raise InvalidAliasError(f"There is a tenant {alias!r} already; it is {found.state}. Choose another alias.")


def is_reserved(tenant: AbstractTenant) -> bool:
    """Whether an earlier attempt has settled where the tenant's database is."""
    return bool(tenant.step)


def hosts_of(domains: Iterable[str], tenant: AbstractTenant) -> list[str]:
    """The domains in their one spelling. Raises InvalidHostError, and ProvisioningError for one that is taken."""
    if isinstance(domains, str):
        raise InvalidHostError(f"The domains are one text, {domains[:80]!r}. Give a list of hosts.")
    hosts = list(dict.fromkeys(normalise_host(domain) for domain in domains))
    for host in hosts:
        if host in public_hosts():
            raise taken(host, "is the public site's")
        other = Domain.objects.using(PUBLIC).filter(host=host).exclude(tenant_id=tenant.pk).first()
        if other is not None:
            raise taken(host, "leads to another tenant already")
    return hosts


def public_hosts() -> set[str]:
    """The hosts of the public site in their one spelling; below ``.example.com`` there may be tenants."""
    return {normalise_host(host) for host in conf.PUBLIC_HOSTS if not host.startswith((".", "*"))}


def refuse_moved(tenant: AbstractTenant, *, begun: str | None) -> None:
    """Raise ProvisioningError when a half-made tenant's database would be elsewhere than where it was begun."""
    if begun is not None and tenant.entry().location != begun:
        raise ProvisioningError(
            f"The database of {tenant.alias!r} was begun elsewhere. Say where as it was said first, or not at all; or "
            "delete and purge the tenant and begin anew.",
            step=RESERVED,
        )


def refuse_shared_location(tenant: AbstractTenant) -> None:
    """Raise ProvisioningError when another tenant's database is where this one's would be."""
    others = tenant_model()._base_manager.using(PUBLIC).exclude(pk=tenant.pk)
    if others.filter(location=tenant.entry().location).exists():
        raise ProvisioningError(
            f"The database for {tenant.alias!r} is another tenant's. Give each tenant a database of its own.",
            step=RESERVED,
        )


def reserve(tenant: AbstractTenant, hosts: Sequence[str], *, step: str = RESERVED) -> None:
    """Write the row and its domains, all or none.

    Raises ProvisioningError when somebody was quicker, and for a name that is too long.
    """
    longest = tenant._meta.get_field("name").max_length
    if longest is not None and len(tenant.name) > longest:
        raise ProvisioningError(f"The name is longer than {longest} characters. Shorten it.", step=RESERVED)
    tenant.state = TenantState.PROVISIONING
    tenant.step = tenant.step or step
    tenant.error = ""
    is_new = tenant._state.adding
    try:
        with transaction.atomic(using=PUBLIC):
            tenant.save(using=PUBLIC)
            known = set() if is_new else hosts_known(tenant)
            for host in hosts:
                if host not in known:
                    Domain(tenant_id=tenant.pk, host=host).save(using=PUBLIC)
    except IntegrityError as exc:
        raise ProvisioningError(
            f"The alias, a domain or the database of {tenant.alias!r} was taken just now. Look at the tenants there "
            "are, and try again.",
            step=RESERVED,
        ) from exc


def hosts_known(tenant: AbstractTenant) -> set[str]:
    """The domains that a tenant has already."""
    return set(Domain.objects.using(PUBLIC).filter(tenant_id=tenant.pk).values_list("host", flat=True))


def taken(host: str, reason: str) -> ProvisioningError:
    """The refusal of a domain."""
    return ProvisioningError(f"The domain {host!r} {reason}. Choose another, or remove it there first.", step=RESERVED)
