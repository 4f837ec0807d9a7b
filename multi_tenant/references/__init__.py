"""Soft references: from rows of tenants to rows of the public database, where no database can hold a constraint."""

from __future__ import annotations

from multi_tenant.references.column import PublicKey as PublicKey
from multi_tenant.references.field import PublicForeignKey as PublicForeignKey
