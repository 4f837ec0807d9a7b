"""From a request to the alias of a tenant."""

from __future__ import annotations

from multi_tenant.resolvers.domain import DomainResolver as DomainResolver
from multi_tenant.resolvers.header import HeaderResolver as HeaderResolver
from multi_tenant.resolvers.path import PathResolver as PathResolver
from multi_tenant.resolvers.query import QueryResolver as QueryResolver
from multi_tenant.resolvers.subdomain import SubdomainResolver as SubdomainResolver
