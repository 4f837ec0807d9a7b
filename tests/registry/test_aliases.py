"""What a tenant may be called."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant.exceptions import InvalidAliasError
from multi_tenant.registry.aliases import RESERVED, validate_alias

BAD = [
    "",
    "a'b",
    'a"b',
    "a;drop",
    "a..b",
    "../etc",
    "a/b",
    "a b",
    "a_b",
    "Acme",
    "1acme",
    "-acme",
    "ácme",
    "аcme",  # a Cyrillic letter
    "acme\n",
    "acme\x00",
    "a" * 49,
    "a" * 64,
    None,
    7,
    b"acme",
]


@pytest.mark.parametrize("alias", ["a", "acme", "acme-2", "a--b", "a-", "a" * 48])
def test_a_plain_word_is_an_alias(alias: str) -> None:
    assert validate_alias(alias) == alias


@pytest.mark.parametrize("alias", BAD)
def test_what_is_malformed_is_refused(alias: object) -> None:
    with pytest.raises(InvalidAliasError, match="not an alias"):
        validate_alias(alias)


@pytest.mark.parametrize("alias", ["public", "default", "template", "cvar", "all", "settings", "databases"])
def test_a_word_with_a_meaning_is_refused(alias: str) -> None:
    with pytest.raises(InvalidAliasError, match="reserved"):
        validate_alias(alias)


def test_no_attribute_of_djangos_handler_or_of_its_storage_is_an_alias() -> None:
    handler = ConnectionHandler({})
    storage: Any = handler._connections  # type: ignore[attr-defined]  # not in the stubs
    names = {*dir(handler), *dir(type(storage)), *vars(storage), "cvar"}
    plain = {name for name in names if re.fullmatch(r"[a-z][a-z0-9-]*", name)}
    assert {"all", "settings", "cvar"} <= plain <= RESERVED


def test_a_static_database_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert validate_alias("replica") == "replica"
    monkeypatch.setitem(settings.DATABASES, "replica", {})
    with pytest.raises(InvalidAliasError, match="reserved"):
        validate_alias("replica")


@given(st.text(max_size=60))
def test_any_text_is_refused_or_plain_ascii(text: str) -> None:
    try:
        alias = validate_alias(text)
    except InvalidAliasError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,47}", alias, re.ASCII)
