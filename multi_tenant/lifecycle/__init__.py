"""One tenant's life, from its first reservation to its last archive."""

from __future__ import annotations

from multi_tenant.lifecycle.adoption import adopt as adopt
from multi_tenant.lifecycle.deletion import delete as delete
from multi_tenant.lifecycle.deletion import purge as purge
from multi_tenant.lifecycle.fingerprint import fingerprint as fingerprint
from multi_tenant.lifecycle.fingerprint import fingerprint_of as fingerprint_of
from multi_tenant.lifecycle.fingerprint import is_behind as is_behind
from multi_tenant.lifecycle.provision import create_tenant as create_tenant
from multi_tenant.lifecycle.rotation import drop_former_logins as drop_former_logins
from multi_tenant.lifecycle.rotation import rotate_login as rotate_login
from multi_tenant.lifecycle.state import resume as resume
from multi_tenant.lifecycle.state import suspend as suspend
from multi_tenant.lifecycle.template import drop_stale_templates as drop_stale_templates
from multi_tenant.routing.owner import owner_context as owner_context
