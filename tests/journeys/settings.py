"""The settings of the sample site in a journey: its own, with names of their own on a server, and less waiting."""

from __future__ import annotations

import os

from sample_site import settings as sample_site
from sample_site.settings import *  # noqa: F403  # Django reads every name of a settings module

MULTI_TENANT = {
    **sample_site.MULTI_TENANT,
    "DATABASE_PREFIX": os.environ["JOURNEY_PREFIX"],
    "REGISTRY_TTL": float(os.environ["JOURNEY_TTL"]),
}
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = sample_site.DEMO_DIR / "mail"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
