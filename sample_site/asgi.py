"""The ASGI application, for uvicorn and its like: ``uvicorn sample_site.asgi:application``."""

from __future__ import annotations

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sample_site.settings")

application = ASGIStaticFilesHandler(get_asgi_application())
