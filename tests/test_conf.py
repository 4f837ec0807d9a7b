"""The settings of multi_tenant, as the other modules read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured

from multi_tenant.conf import NAMES, Conf, app_label, conf
from multi_tenant.exceptions import ConfigurationError

Configure = Callable[..., None]
WITH_DEFAULTS = {
    "SHARED_APPS": (),
    "TENANT_APPS": (),
    "RESOLVERS": ("multi_tenant.resolvers.DomainResolver",),
    "PUBLIC_HOSTS": (),
    "HEALTH_PATHS": (),
    "TRUSTED_PROXIES": (),
    "DATABASE_PREFIX": "tenant_",
    "ENTRY_DEFAULTS": {},
    "ENTRY_HOSTS": frozenset(),
    "TEMPLATES": True,
    "REGISTRY_TTL": 5,
    "REGISTRY_STALE_IF_ERROR": 300,
    "MAX_CONNECTIONS_PER_THREAD": 20,
}


@pytest.fixture
def only(settings: Any) -> Callable[..., None]:
    """Makes the setting hold these keys and no others."""

    def change(**values: Any) -> None:
        settings.MULTI_TENANT = values

    return change


@pytest.mark.parametrize("name", WITH_DEFAULTS)
def test_a_setting_has_its_default(name: str, only: Configure) -> None:
    only()
    assert getattr(conf, name) == WITH_DEFAULTS[name]


def test_every_setting_has_a_property() -> None:
    assert all(hasattr(Conf, name) for name in NAMES)
    assert WITH_DEFAULTS.keys() <= NAMES


def test_a_change_of_the_setting_is_seen_at_once(configure: Configure) -> None:
    configure(REGISTRY_TTL=1)
    assert conf.REGISTRY_TTL == 1
    configure(REGISTRY_TTL=2.5)
    assert conf.REGISTRY_TTL == 2.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHARED_APPS", "django.contrib.auth"),
        ("SHARED_APPS", 7),
        ("ENCRYPTION_KEYS", "one-key"),
        ("PUBLIC_HOSTS", "example.com"),
        ("ENTRY_DEFAULTS", []),
        ("DATABASE_PREFIX", 7),
        ("TEMPLATES", "yes"),
        ("TEMPLATES", 1),
        ("REGISTRY_TTL", "5"),
        ("REGISTRY_TTL", True),
        ("REGISTRY_TTL", -1),
        ("REGISTRY_STALE_IF_ERROR", None),
        ("MAX_CONNECTIONS_PER_THREAD", 0),
        ("MAX_CONNECTIONS_PER_THREAD", True),
        ("MAX_CONNECTIONS_PER_THREAD", "20"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_setting(name: str, value: Any, configure: Configure) -> None:
    configure(**{name: value})
    with pytest.raises(ConfigurationError, match=name):
        getattr(conf, name)


@pytest.mark.parametrize("value", [None, [], "x"])
def test_the_setting_itself_is_a_dict(value: Any, settings: Any) -> None:
    settings.MULTI_TENANT = value
    with pytest.raises(ImproperlyConfigured, match="is not a dict"):
        _ = conf.given


def test_without_keys_there_is_an_error_with_the_cure(only: Configure) -> None:
    only()
    with pytest.raises(ConfigurationError, match="generate_key"):
        _ = conf.ENCRYPTION_KEYS


def test_labels_are_those_of_the_apps(only: Configure) -> None:
    only(
        SHARED_APPS=["django.contrib.auth", "django.contrib.sites.apps.SitesConfig"],
        TENANT_APPS=["tests.testapp.library", "contenttypes"],
    )
    assert conf.shared_labels == {"multi_tenant", "auth", "sites"}
    assert conf.tenant_labels == {"library", "contenttypes"}


@pytest.mark.parametrize("entry", ["django.contrib.auth", "auth", "django.contrib.auth.apps.AuthConfig"])
def test_an_app_is_named_as_in_installed_apps(entry: str) -> None:
    assert app_label(entry) == "auth"


@pytest.mark.parametrize("entry", ["no.such.app", "", "os.path.nothing"])
def test_what_is_no_app_is_an_error(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="not an app"):
        app_label(entry)


def test_files_of_tenants_stand_beside_the_public_file(only: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    only()
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/site/public.sqlite3"}
    monkeypatch.setitem(project.DATABASES, "default", database)
    assert Path("/srv/site/tenants") == conf.SQLITE_DIR


@pytest.mark.parametrize(
    "database",
    [
        {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        {"ENGINE": "django.db.backends.postgresql", "NAME": "public"},
    ],
)
def test_without_a_public_file_they_stand_in_base_dir(
    database: dict[str, str], only: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    only()
    monkeypatch.setitem(project.DATABASES, "default", database)
    assert Path(project.BASE_DIR) / "tenants" == conf.SQLITE_DIR
    assert Path(project.BASE_DIR) / "archive" == conf.ARCHIVE_DIR


def test_directories_may_be_given(configure: Configure, tmp_path: Path) -> None:
    configure(SQLITE_DIR=str(tmp_path), ARCHIVE_DIR=str(tmp_path))
    assert conf.SQLITE_DIR == conf.ARCHIVE_DIR == tmp_path


def test_the_tenant_model_has_a_default(settings: Any) -> None:
    assert conf.TENANT_MODEL == "multi_tenant.Tenant"
    assert not conf.has_tenant_model
    settings.TENANT_MODEL = "shop.Customer"
    assert conf.TENANT_MODEL == "shop.Customer"
    assert conf.has_tenant_model
