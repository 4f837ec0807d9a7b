"""rotate_tenant_keys and drop_stale_templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError

from multi_tenant.lifecycle.placement import public_engine
from multi_tenant.lifecycle.template import template_name
from multi_tenant.registry.models import Tenant
from tests.fleets import PREFIX
from tests.management.processes import manage


@pytest.fixture
def new_key(configure: Any, settings: Any) -> str:
    """A key that is put before the others."""
    key = Fernet.generate_key().decode()
    configure(ENCRYPTION_KEYS=[key, *settings.MULTI_TENANT["ENCRYPTION_KEYS"]])
    return key


def test_after_the_rotation_the_old_key_may_go(acme: Any, bolt: Any, run: Any, new_key: str, configure: Any) -> None:
    entry = acme.database
    assert run("rotate_tenant_keys")[0].startswith("2 rotated, 0 under the newest key before.")
    configure(ENCRYPTION_KEYS=[new_key])
    assert Tenant.objects.get(alias="acme").database == entry
    assert run("rotate_tenant_keys")[0] == "0 rotated, 2 under the newest key before.\n"


def test_machines_are_told_in_json(acme: Any, new_key: str) -> None:
    done = manage("rotate_tenant_keys", "--json")
    assert json.loads(done.stdout) == {"rotated": 1, "current": 0, "failed": 0}
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_secret_that_cannot_be_opened_is_told_and_left(acme: Any, bolt: Any, run: Any, configure: Any) -> None:
    configure(ENCRYPTION_KEYS=[Fernet.generate_key().decode()])
    with pytest.raises(CommandError, match=r"2 of 2 secrets cannot be opened.+Keep all keys"):
        run("rotate_tenant_keys")


def test_templates_of_other_migrations_are_dropped(acme: Any, run: Any) -> None:
    engine = public_engine("cleaner")
    stale = f"{PREFIX}template_{'0' * 16}{engine.suffix}"
    engine.create(stale)
    assert json.loads(run("drop_stale_templates", "--json")[0]) == [stale]
    assert engine.exists(template_name(engine))
    assert not engine.exists(stale)
    assert run("drop_stale_templates")[0] == "0 dropped.\n"
