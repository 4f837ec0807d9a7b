"""The WSGI application, for gunicorn and its like: ``gunicorn sample_site.wsgi``."""

from __future__ import annotations

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sample_site.settings")

# The sample serves its few static files itself; a site of any size leaves them to its web server.
application = StaticFilesHandler(get_wsgi_application())
