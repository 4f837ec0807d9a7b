"""The settings of the tests; MULTI_TENANT_TEST_PUBLIC says which engine the public database is on."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

from tests import servers

PUBLIC = os.environ.get("MULTI_TENANT_TEST_PUBLIC", "sqlite")
SESSION = servers.open_session()
# Each worker of xdist has files of its own; without xdist there is one process, called main.
BASE_DIR = SESSION / os.environ.get("PYTEST_XDIST_WORKER", "main")
BASE_DIR.mkdir(exist_ok=True)


def public_database() -> dict[str, Any]:
    """The public database's entry: on a server only if asked, so that reading these settings starts none."""
    # A process that a test starts shares the test's own database, which tests/processes.py names here.
    given = os.environ.get("MULTI_TENANT_TEST_DATABASE")
    if PUBLIC in ("postgres", "mariadb"):
        # The session's name keeps two runs on one server of the user's apart.
        test_name = f"test_{SESSION.name}".replace("-", "_").lower()
        entry = servers.database_entry(servers.provide(PUBLIC), name=given or "multi_tenant")
        return {**entry, "TEST": {"NAME": test_name, "CHARSET": "utf8mb4" if PUBLIC == "mariadb" else None}}
    if PUBLIC == "sqlite":
        # A file also for the tests: in-memory databases are shared by threads in another way.
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": given or BASE_DIR / "public.sqlite3",
            "TEST": {"NAME": BASE_DIR / "test_public.sqlite3"},
        }
    raise ValueError(f"MULTI_TENANT_TEST_PUBLIC is {PUBLIC!r}; it may be sqlite, postgres or mariadb.")


SECRET_KEY = "a key of the tests, for nothing but the tests"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": public_database()}
DATABASE_ROUTERS = ["multi_tenant.routing.TenantRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [
    "multi_tenant",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "tests.testapp.library",
    "tests.testapp.billing",
    "tests.testapp.common",
]
ROOT_URLCONF = "tests.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
MIDDLEWARE = [
    "multi_tenant.middleware.TenantMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
BOTH_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "tests.testapp.common",
]
MULTI_TENANT: dict[str, Any] = {
    "SHARED_APPS": [*BOTH_APPS, "tests.testapp.billing"],
    "TENANT_APPS": [*BOTH_APPS, "tests.testapp.library"],
    # The same in each process of a test session.
    "ENCRYPTION_KEYS": [base64.urlsafe_b64encode(hashlib.sha256(SECRET_KEY.encode()).digest()).decode()],
    "SQLITE_DIR": BASE_DIR / "tenants",
    "ARCHIVE_DIR": BASE_DIR / "archive",
}
