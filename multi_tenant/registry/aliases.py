"""What a tenant may be called; asked by the model, the lifecycle and the commands."""

from __future__ import annotations

import re

from asgiref.local import Local
from django.db.utils import ConnectionHandler

from multi_tenant.conf import conf
from multi_tenant.exceptions import InvalidAliasError

PUBLIC = "public"
DEFAULT = "default"
#: The alias that a template's database bears while it is built; it is no tenant.
TEMPLATE = "template"
PATTERN = re.compile(r"[a-z][a-z0-9-]{0,47}")
#: Words with a meaning of their own, and attribute names of Django's handler and of its storage.
RESERVED = frozenset({PUBLIC, DEFAULT, TEMPLATE, "cvar", *dir(ConnectionHandler), *dir(Local)})


def validate_alias(alias: object) -> str:
    """Return the alias if a tenant may bear it; raise InvalidAliasError, which says why, if not."""
    if not isinstance(alias, str) or not PATTERN.fullmatch(alias):
        raise InvalidAliasError(
            f"{alias!r} is not an alias. Begin with a letter a-z, go on with up to 47 letters a-z, digits and hyphens."
        )
    if alias in RESERVED or alias in conf.static_databases:
        raise InvalidAliasError(f"{alias!r} is a reserved name. Choose another alias.")
    return alias
