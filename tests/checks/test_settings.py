"""Each value that cannot be is told with its cure, and no check asks a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from tests.checks.conftest import Found

DOMAIN = "multi_tenant.resolvers.DomainResolver"
SUBDOMAIN = ("multi_tenant.resolvers.SubdomainResolver", {"base": "example.com"})
QUERY = ("multi_tenant.resolvers.QueryResolver", {"name": "tenant"})
HEADER = ("multi_tenant.resolvers.HeaderResolver", {"name": "X-Tenant"})
Configure = Callable[..., None]


def test_clean_settings_are_told_nothing(found: Found) -> None:
    assert found() == {}


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a check asked a database")

    for connection in connections.all():
        monkeypatch.setattr(connection, "cursor", refuse)
        monkeypatch.setattr(connection, "connect", refuse)


def test_no_check_asks_a_database(no_database: None, configure: Any, found: Found) -> None:
    configure(RESOLVERS=[QUERY, HEADER], TRUSTED_PROXIES=[])
    assert set(found()) == {"W002", "W003"}


@pytest.mark.parametrize(
    ("changes", "name", "text", "hint"),
    [
        ({"RESOLVER": []}, "E001", "RESOLVER", "RESOLVERS"),
        ({"public_hosts": []}, "E001", "public_hosts", "PUBLIC_HOSTS"),
        ({"XYZ": []}, "E001", "XYZ", "ARCHIVE_DIR, DATABASE_PREFIX"),
        ({"TENANT_APPS": "library"}, "E002", "TENANT_APPS", "sequence"),
        ({"RESOLVERS": "x.Y"}, "E002", "RESOLVERS", "sequence"),
        ({"REGISTRY_TTL": "5"}, "E002", "REGISTRY_TTL", "0 or more"),
        ({"REGISTRY_STALE_IF_ERROR": -1}, "E002", "REGISTRY_STALE_IF_ERROR", "0 or more"),
        ({"MAX_CONNECTIONS_PER_THREAD": 0}, "E002", "MAX_CONNECTIONS_PER_THREAD", "at least 1"),
        ({"MAX_CONNECTIONS_PER_THREAD": "20"}, "E002", "MAX_CONNECTIONS_PER_THREAD", "int"),
        ({"DATABASE_PREFIX": 7}, "E002", "DATABASE_PREFIX", "str"),
        ({"ENTRY_DEFAULTS": []}, "E002", "ENTRY_DEFAULTS", "mapping"),
        ({"TEMPLATES": "no"}, "E002", "TEMPLATES", "bool"),
        ({"HEALTH_PATHS": ["healthz"]}, "E002", "HEALTH_PATHS", "as in the address"),
        ({"PUBLIC_HOSTS": ["http://example.com"]}, "E002", "PUBLIC_HOSTS", "example.com"),
        ({"TRUSTED_PROXIES": ["proxy"]}, "E002", "TRUSTED_PROXIES", "10.0.0.0/8"),
        ({"ENCRYPTION_KEYS": []}, "E003", "is empty", "generate_key"),
        ({"ENCRYPTION_KEYS": ["a secret that is no key"]}, "E003", "malformed", "generate_key"),
        ({"TENANT_APPS": ["no.such.app"]}, "E005", "'no.such.app'", "INSTALLED_APPS"),
        ({"SHARED_APPS": ["django.contrib.sites"]}, "E005", "'django.contrib.sites'", "SHARED_APPS"),
        ({"TENANT_APPS": ["multi_tenant"]}, "E006", "multi_tenant", "public database"),
        ({"RESOLVERS": ["no.Such"]}, "E013", "'no.Such'", "dotted path"),
        ({"RESOLVERS": [HEADER]}, "W002", "TRUSTED_PROXIES", "10.0.0.0/8"),
        ({"RESOLVERS": [HEADER]}, "W003", "HeaderResolver", "multi_tenant.users"),
        ({"RESOLVERS": [QUERY]}, "W003", "QueryResolver", "multi_tenant.users"),
        ({"RESOLVERS": [HEADER], "TRUSTED_PROXIES": ["::/0"]}, "W004", "::/0", "own proxies"),
        ({"RESOLVERS": [DOMAIN, SUBDOMAIN]}, "W006", "DomainResolver", "example.com"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told(
    configure: Configure, changes: Any, name: str, text: str, hint: str, found: Found
) -> None:
    configure(**changes)
    message = found()[name]
    assert text in message.msg
    assert hint in str(message.hint)


@pytest.mark.parametrize(
    "changes",
    [
        {"RESOLVERS": [HEADER], "TRUSTED_PROXIES": ["10.0.0.0/8"]},
        {"RESOLVERS": [("multi_tenant.resolvers.PathResolver", {"prefix": "t"})]},
        {"RESOLVERS": [SUBDOMAIN, DOMAIN]},
        {"HEALTH_PATHS": ["/healthz"], "PUBLIC_HOSTS": [".example.com", "*"]},
    ],
)
def test_a_right_value_is_not(configure: Configure, changes: Any, found: Found) -> None:
    configure(**changes)
    assert set(found()) <= {"W003"}


def test_a_key_is_never_repeated(configure: Configure, found: Found) -> None:
    configure(ENCRYPTION_KEYS=["a secret that is no key"])
    assert not any("a secret" in str(message) for message in found().values())


def test_something_that_is_no_dict_is_told(settings: Any, found: Found) -> None:
    settings.MULTI_TENANT = ["SHARED_APPS"]
    assert "not a dict" in found()["E002"].msg
