"""The settings of the sample site; what differs from one deployment to the next comes from the environment.

DEMO_SECRET_KEY      Django's SECRET_KEY
DEMO_ENCRYPTION_KEY  the key of the tenants' connection settings; several are parted by commas, the newest first
DEMO_DIR             the directory of the SQLite files and of the archives (default: sample_site/var/sqlite)
DEMO_POSTGRES        postgresql:// URL of the public database (default: a SQLite file in DEMO_DIR)
DEMO_ENTRY_HOSTS     hosts, parted by commas, that a tenant's own entry may name although the rules refuse them
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent
DEMO_DIR = Path(os.environ.get("DEMO_DIR", BASE_DIR / "var" / "sqlite"))


def public_database(url: str) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DEMO_DIR / "public.sqlite3",
            # Requests that write take turns. One that reads first and then wants to write would be refused.
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


# The public database alone: tenants' databases are in the registry, and come and go while the site runs.
DATABASES = {"default": {**public_database(os.environ.get("DEMO_POSTGRES", "")), "ATOMIC_REQUESTS": True}}
DATABASE_ROUTERS = ["multi_tenant.routing.TenantRouter"]

PLATFORM_HOSTS = ["localhost", "127.0.0.1"]
# The public site has staff, an admin and sessions of its own, and who people are; each tenant has its members.
BOTH_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "multi_tenant.users",
]
MULTI_TENANT = {
    "SHARED_APPS": ["multi_tenant", *BOTH_APPS],
    "TENANT_APPS": [
        *BOTH_APPS,
        "rest_framework.authtoken",
        "rest_framework_simplejwt.token_blacklist",
        "sample_site.notes",
    ],
    "ENCRYPTION_KEYS": os.environ["DEMO_ENCRYPTION_KEY"].split(","),
    # A tenant's name before ".localhost" first, so that no domain of a tenant's own can take another's name.
    "RESOLVERS": [
        ("multi_tenant.resolvers.SubdomainResolver", {"base": "localhost"}),
        "multi_tenant.resolvers.DomainResolver",
    ],
    # Who has signed in on the public site chooses a team there, and goes on in it at the same address.
    "MEMBER_RESOLVERS": ["multi_tenant.users.resolvers.SessionResolver"],
    "PUBLIC_HOSTS": PLATFORM_HOSTS,
    "HEALTH_PATHS": ["/healthz"],
    "SQLITE_DIR": DEMO_DIR / "tenants",
    "ARCHIVE_DIR": DEMO_DIR / "archive",
    "ENTRY_HOSTS": [host for host in os.environ.get("DEMO_ENTRY_HOSTS", "").split(",") if host],
}

INSTALLED_APPS = [
    "multi_tenant",
    "multi_tenant.users",
    "multi_tenant.contrib.admin",
    "multi_tenant.contrib.rest",
    "sample_site.landing",
    "sample_site.notes",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
]
MIDDLEWARE = [
    "multi_tenant.middleware.TenantMiddleware",
    "sample_site.landing.middleware.public_urls",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "multi_tenant.users.middleware.MemberMiddleware",
    "sample_site.landing.middleware.public_urls",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

SECRET_KEY = os.environ["DEMO_SECRET_KEY"]
ALLOWED_HOSTS = [".localhost", "127.0.0.1"]
ROOT_URLCONF = "sample_site.urls"
WSGI_APPLICATION = "sample_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sample_site.notes.context_processors.tenant",
            ]
        },
    }
]
AUTH_USER_MODEL = "multi_tenant_users.GlobalUser"
AUTHENTICATION_BACKENDS = ["multi_tenant.users.backends.GlobalUserBackend"]
# Invitations and new passwords are mailed to the terminal.
EMAIL_BACKEND = "sample_site.mail.EmailBackend"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "multi_tenant.contrib.rest.authentication.TenantSessionAuthentication",
        "multi_tenant.contrib.rest.authentication.TenantTokenAuthentication",
        "multi_tenant.contrib.rest.jwt.TenantJWTAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["multi_tenant.contrib.rest.permissions.IsTenantMember"],
}
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "board"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# To standard error, whatever DEBUG is.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "multi_tenant": {"handlers": ["console"], "level": "INFO"},
    },
}
