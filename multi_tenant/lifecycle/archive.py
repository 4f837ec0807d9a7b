"""What is kept of a deleted tenant: one file, for the deployment's eyes only, that bears its uuid."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.utils import timezone

from multi_tenant.conf import conf
from multi_tenant.exceptions import ProvisioningError
from multi_tenant.lifecycle.placement import database_engine
from multi_tenant.registry.models import AbstractTenant


def archive_database(tenant: AbstractTenant) -> Path:
    """Dump a tenant's database into ARCHIVE_DIR; the file appears under its name when it is whole.

    Raises ProvisioningError and TenantConnectionError.
    """
    engine = database_engine(tenant)
    path = archive_path(tenant, suffix=engine.archive_suffix)
    draft = path.with_name(f".{tenant.alias}-{tenant.pk}.draft")  # found again by an attempt after a killed one
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        engine.dump(str(tenant.entry()["NAME"]), draft)
        draft.replace(path)
    except OSError as exc:
        raise ProvisioningError(
            f'The archive of {tenant.alias!r} cannot be written: {exc.strerror}. Look at MULTI_TENANT["ARCHIVE_DIR"].',
            step="archive",
        ) from exc
    finally:
        with suppress(OSError):
            draft.unlink()
    return path


def archive_path(tenant: AbstractTenant, *, suffix: str) -> Path:
    """Alias, uuid and time: a later tenant of the same alias has archives of its own."""
    return conf.ARCHIVE_DIR / f"{tenant.alias}-{tenant.pk}-{timezone.now():%Y%m%dT%H%M%S%f}{suffix}"
