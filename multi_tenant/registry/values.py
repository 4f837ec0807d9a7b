"""Which values an entry's keys and options can have; asked by the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MYSQL_LEVELS = frozenset({"read uncommitted", "read committed", "repeatable read", "serializable"})
TRANSACTION_MODES = frozenset({"DEFERRED", "EXCLUSIVE", "IMMEDIATE"})


def is_text(value: Any) -> bool:
    """Whether a value is a text that every driver and file system can be told."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON may have it
        return False
    return True


def is_number(value: Any) -> bool:
    """Whether a value is a number that can be counted to, such as seconds."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**31


def is_plain(value: Any) -> bool:
    """Whether a value is a text, a number or a switch."""
    return is_text(value) or is_number(value) or isinstance(value, bool)


def is_port(value: Any) -> bool:
    """Whether a value is one port, as a text or a number."""
    if isinstance(value, str):
        return value == "" or (value.isascii() and value.isdecimal() and len(value) < 6 and 0 < int(value) < 65536)
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536


def is_time_zone(value: Any) -> bool:
    """Whether this machine knows the time zone."""
    try:
        ZoneInfo(value)
    except (OSError, TypeError, ValueError, ZoneInfoNotFoundError):
        return False
    return True


#: What the values of an entry can be.
VALUES: Mapping[str, Callable[[Any], bool]] = {
    "NAME": is_text,
    "USER": is_text,
    "PASSWORD": is_text,
    "HOST": is_text,
    "PORT": is_port,
    "CONN_MAX_AGE": is_number,
    "CONN_HEALTH_CHECKS": lambda value: isinstance(value, bool),
    "DISABLE_SERVER_SIDE_CURSORS": lambda value: isinstance(value, bool),
    "TIME_ZONE": is_time_zone,
}
#: Options for which Django itself takes a few values alone, and repeats what it is given when it refuses.
OPTION_VALUES: Mapping[str, Callable[[Any], bool]] = {
    "isolation_level": lambda value: value in (1, 2, 3, 4) or (isinstance(value, str) and value in MYSQL_LEVELS),
    "server_side_binding": lambda value: isinstance(value, bool),
    "timeout": is_number,
    "transaction_mode": lambda value: isinstance(value, str) and value.upper() in TRANSACTION_MODES,
}
