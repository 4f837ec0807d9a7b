"""Values that Django or a driver would choke on, some of them repeating a secret, are refused before they are used."""

from __future__ import annotations

from typing import Any

import pytest

from multi_tenant.exceptions import InvalidEntryError
from multi_tenant.registry.rules import validate_keys

POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "acme", "USER": "acme", "HOST": "db.example"}
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "acme.sqlite3"}
HALF_A_PAIR = "\ud800"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in ("NAME", "USER", "PASSWORD", "HOST") for value in (HALF_A_PAIR, "a\0b", ["a"], 5)),
        *(
            ("PORT", value)
            for value in ("0", "65536", "9" * 5000, "\u0665\u0664\u0663\u0662", "5432 ", -1, 65536, True)
        ),
        *(("CONN_MAX_AGE", value) for value in ("60", -1, float("nan"), float("inf"), True)),
        ("CONN_HEALTH_CHECKS", "no"),
        ("DISABLE_SERVER_SIDE_CURSORS", 1),
        *(("TIME_ZONE", value) for value in ("Nowhere/Land", "../../etc/passwd", "Europe", "", 5)),
    ],
)
def test_a_value_that_cannot_be_is_refused(key: str, value: Any) -> None:
    with pytest.raises(InvalidEntryError) as refused:
        validate_keys({**POSTGRESQL, key: value})
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("entry", "option", "value"),
    [
        (POSTGRESQL, "isolation_level", "a secret"),
        (POSTGRESQL, "isolation_level", [1]),
        (POSTGRESQL, "connect_timeout", float("nan")),
        (POSTGRESQL, "sslmode", HALF_A_PAIR),
        (POSTGRESQL, "server_side_binding", "yes"),
        (SQLITE, "timeout", "5"),
        (SQLITE, "transaction_mode", "a secret"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_refused(entry: dict[str, Any], option: str, value: Any) -> None:
    with pytest.raises(InvalidEntryError) as refused:
        validate_keys({**entry, "OPTIONS": {option: value}})
    assert refused.value.key == f"OPTIONS.{option}"


@pytest.mark.parametrize(
    "more",
    [
        {"PORT": "5432", "PASSWORD": "pässwörd 'x'=\\", "TIME_ZONE": "Europe/Berlin", "CONN_MAX_AGE": None},
        {"PORT": 5432, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": True},
        {"PORT": "", "OPTIONS": {"isolation_level": 3, "sslmode": "require", "connect_timeout": 5, "keepalives": True}},
        {**SQLITE, "OPTIONS": {"timeout": 2.5, "transaction_mode": "immediate"}},
    ],
)
def test_what_can_be_is_let_through(more: dict[str, Any]) -> None:
    """The control."""
    pytest.importorskip("psycopg", reason="An entry is refused where its driver is missing.")
    validate_keys({**POSTGRESQL, **more})
