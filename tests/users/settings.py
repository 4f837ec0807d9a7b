"""The settings of the tests of people: GlobalUser, the admin and all that goes with it are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tests import settings as plain
from tests.settings import *  # noqa: F403

INSTALLED_APPS = [
    "multi_tenant",
    "multi_tenant.users",
    "multi_tenant.contrib.admin",
    *plain.INSTALLED_APPS[1:],
    "django.contrib.messages",
    "django.contrib.sites",
    "tests.testapp.staff",
]
AUTH_USER_MODEL = "multi_tenant_users.GlobalUser"
AUTHENTICATION_BACKENDS = ["multi_tenant.users.backends.GlobalUserBackend"]
MIDDLEWARE = [
    *plain.MIDDLEWARE,
    "multi_tenant.users.middleware.MemberMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.users.urls"
LOGIN_URL = "/accounts/login/"
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # Django 6.1 asks for it
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
BOTH_APPS = [
    *plain.BOTH_APPS,
    "multi_tenant.users",
    "django.contrib.admin",
    "django.contrib.sites",
]
# The tests of REST framework's room skip where it is not installed.
REST_APPS = ["rest_framework.authtoken", "rest_framework_simplejwt.token_blacklist"]
if find_spec("rest_framework"):
    INSTALLED_APPS += ["rest_framework", *REST_APPS, "drf_spectacular", "multi_tenant.contrib.rest"]
    BOTH_APPS += REST_APPS
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SIMPLE_JWT = {"BLACKLIST_AFTER_ROTATION": True}
MULTI_TENANT = {
    **plain.MULTI_TENANT,
    "SHARED_APPS": [*BOTH_APPS, "tests.testapp.billing"],
    "TENANT_APPS": [*BOTH_APPS, "tests.testapp.library", "tests.testapp.staff"],
}
