"""The check of each value in MULTI_TENANT by itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage

from multi_tenant.checks.findings import finding, finding_of
from multi_tenant.conf import NAMES, conf
from multi_tenant.exceptions import ConfigurationError
from multi_tenant.registry.keys import keyring
from multi_tenant.resolvers.header import trusted_networks
from multi_tenant.resolvers.hosts import public_patterns


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Names that there are not, and values that cannot be."""
    try:
        unknown = sorted(set(map(str, conf.given)) - NAMES)
    except ConfigurationError as exc:
        return [finding_of("E002", exc, name="…")]
    return [*(finding("E001", name=name, names=suggestion(name)) for name in unknown), *wrong_values()]


def suggestion(name: str) -> str:
    """The names that may have been meant."""
    return ", ".join(difflib.get_close_matches(name.upper(), sorted(NAMES)) or sorted(NAMES))


def wrong_values() -> Iterator[CheckMessage]:
    """A finding for each setting that raises when it is read."""
    for name in sorted(NAMES):
        try:
            value = getattr(conf, name)
            READINGS.get(name, lambda value: value)(value)
        except ConfigurationError as exc:
            yield finding_of("E003" if name == "ENCRYPTION_KEYS" else "E002", exc, name=name)


def read_paths(paths: tuple[str, ...]) -> None:
    """Raise ConfigurationError for a path that no request can have."""
    for path in paths:
        if not path.startswith("/"):
            raise ConfigurationError(
                f'{path!r} in MULTI_TENANT["HEALTH_PATHS"] does not begin with a slash. Write it as in the address.'
            )


#: What is done with a value beyond reading it; each raises ConfigurationError.
READINGS: dict[str, Any] = {
    "ENCRYPTION_KEYS": keyring,
    "HEALTH_PATHS": read_paths,
    "PUBLIC_HOSTS": public_patterns,
    "TRUSTED_PROXIES": trusted_networks,
}
