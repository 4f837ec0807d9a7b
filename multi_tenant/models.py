"""The models of the registry, where Django looks for them."""

from __future__ import annotations

from multi_tenant.registry.models import AbstractTenant as AbstractTenant
from multi_tenant.registry.models import DatabaseServer as DatabaseServer
from multi_tenant.registry.models import Domain as Domain
from multi_tenant.registry.models import RegistryVersion as RegistryVersion
from multi_tenant.registry.models import Tenant as Tenant
