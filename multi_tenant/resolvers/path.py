"""A resolver for tenants that share one host and differ in the path: ``/t/acme/…``."""

from __future__ import annotations

import re
from typing import Any

from multi_tenant.exceptions import ConfigurationError
from multi_tenant.resolvers.base import TextResolver

PREFIX = re.compile(r"[\w.~-]+(/[\w.~-]+)*")


class PathResolver(TextResolver):
    """Takes the path's segment after ``prefix`` as the alias.

    What named the tenant becomes part of the script prefix, as if the site were mounted there: URL patterns do not
    see it, and ``reverse()`` puts it in front.
    """

    def __init__(self, *, prefix: str) -> None:
        if not PREFIX.fullmatch(prefix.strip("/")):
            raise ConfigurationError(
                f"The prefix {prefix!r} of PathResolver is not the beginning of a path. Give a word such as t."
            )
        self.start = f"/{prefix.strip('/')}/"

    def resolve(self, request: Any) -> str | None:
        path = getattr(request, "path_info", None) or request.path
        if not path.startswith(self.start):
            return None
        return path[len(self.start) :].partition("/")[0] or None

    def prefix_of(self, request: Any, alias: str) -> str:
        """The beginning of the path that named the tenant."""
        return self.start + alias
