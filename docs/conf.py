"""The configuration of Sphinx; `./run docs` builds with it, and every warning is an error."""

from __future__ import annotations

from importlib.metadata import version as installed_version

import django
from cryptography.fernet import Fernet
from django.conf import settings

# The reference of the Python interface is read from the docstrings, and models want a configured Django.
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DATABASE_ROUTERS=["multi_tenant.routing.TenantRouter"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["multi_tenant", "django.contrib.auth", "django.contrib.contenttypes"],
    MULTI_TENANT={"ENCRYPTION_KEYS": [Fernet.generate_key()]},
    USE_TZ=True,
)
django.setup()

project = "django-multi-tenant"
author = "the django-multi-tenant contributors"
project_copyright = author
release = installed_version(project)
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpick_ignore: list[tuple[str, str]] = []

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
pygments_style = "friendly"
