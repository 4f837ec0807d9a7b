"""One database per tenant for Django."""

from __future__ import annotations

from multi_tenant.context import current_alias as current_alias
from multi_tenant.context import current_tenant as current_tenant
from multi_tenant.context import public_context as public_context
from multi_tenant.context import tenant_bound as tenant_bound
from multi_tenant.context import tenant_context as tenant_context
from multi_tenant.exceptions import ConfigurationError as ConfigurationError
from multi_tenant.exceptions import ConnectionLimitError as ConnectionLimitError
from multi_tenant.exceptions import IdentityProtectedError as IdentityProtectedError
from multi_tenant.exceptions import MultiTenantError as MultiTenantError
from multi_tenant.exceptions import NoTenantError as NoTenantError
from multi_tenant.exceptions import ProvisioningError as ProvisioningError
from multi_tenant.exceptions import TenantSwitchError as TenantSwitchError
from multi_tenant.exceptions import TenantUnavailableError as TenantUnavailableError
from multi_tenant.exceptions import UnknownTenantError as UnknownTenantError
from multi_tenant.exceptions import WrongTenantError as WrongTenantError
