"""A project's own engine, as the how-to page writes one, through a tenant's whole life."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import AppConfig

from multi_tenant import ProvisioningError, tenant_context
from multi_tenant.databases import base
from multi_tenant.lifecycle import create_tenant, delete
from multi_tenant.lifecycle.placement import server_engine
from multi_tenant.registry.models import DatabaseServer
from tests.lifecycle.conftest import PREFIX, drop_all
from tests.lifecycle.places import run
from tests.pages import DOCS, Reader, blocks_of
from tests.testapp.library.models import Author

ROLE = f"{PREFIX}guest"


@pytest.fixture
def provider(postgres: DatabaseServer) -> ModuleType:
    """What the page's provider offers, done by the superuser of a real server."""
    module: Any = ModuleType("shop.provider")
    module.asked = []
    superuser = server_engine(postgres, alias="provider")

    def create_database(name: str, *, owner: str) -> None:
        module.asked.append(("create", name))
        superuser.create(name)
        run(dict(postgres.credentials), f'ALTER DATABASE "{name}" OWNER TO "{owner}"')

    def drop_database(name: str) -> None:
        module.asked.append(("drop", name))
        superuser.drop(name)

    module.create_database, module.drop_database = create_database, drop_database
    found: ModuleType = module
    return found


@pytest.fixture
def shop(provider: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's files, as an app of a project."""
    reader = Reader(tmp_path)
    for block in blocks_of(DOCS / "howto" / "engine-of-your-own.md"):
        reader.write(block)
    (tmp_path / "shop" / "__init__.py").touch()
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        patch.setitem(sys.modules, "shop.provider", provider)
        patch.setattr(base, "classes", dict(base.classes))
        package = importlib.import_module("shop")
        patch.setattr(package, "provider", provider, raising=False)
        yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.fixture
def guest(postgres: DatabaseServer) -> Iterator[DatabaseServer]:
    """A server whose login makes no databases."""
    run(postgres.credentials, f"CREATE ROLE {ROLE} LOGIN PASSWORD 'guest'")
    rows: Any = DatabaseServer.objects
    credentials = {**postgres.credentials, "USER": ROLE, "PASSWORD": "guest"}
    yield rows.create(name="guest", credentials=credentials)
    drop_all(server_engine(postgres, alias="cleaner"), f"{PREFIX}acme")
    run(postgres.credentials, f"DROP ROLE {ROLE}")


def test_the_engine_of_the_page_makes_a_tenant_and_drops_it(shop: ModuleType, guest: DatabaseServer) -> None:
    with pytest.raises(ProvisioningError, match="CREATEDB"):
        create_tenant("acme", server=guest)
    config: AppConfig = importlib.import_module("shop.apps").ShopConfig("shop", shop)
    config.ready()
    tenant = create_tenant("acme", server=guest)
    with tenant_context("acme"):
        Author.objects.create(name="first")
    delete("acme", force=True)
    name = tenant.database["NAME"]
    assert importlib.import_module("shop.provider").asked == [("create", name), ("drop", name)]
