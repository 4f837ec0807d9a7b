"""Values sealed for one row and column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant.exceptions import ConfigurationError, DecryptionError
from multi_tenant.registry.keys import seal, sealed_with_newest, unseal

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
SECRET = "correct horse battery staple"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
Configure = Callable[..., None]


@given(JSON)
def test_what_was_sealed_is_opened(value: Any) -> None:
    assert unseal(seal(value, binding="t.c:1"), binding="t.c:1") == value


def test_the_token_shows_nothing() -> None:
    token = seal({"PASSWORD": SECRET}, binding="t.c:1")
    assert SECRET not in token
    assert token != seal({"PASSWORD": SECRET}, binding="t.c:1")


@pytest.mark.parametrize("elsewhere", ["t.c:2", "t.d:1", "u.c:1", ""])
def test_a_token_of_another_row_or_column_is_refused(elsewhere: str) -> None:
    token = seal(SECRET, binding="t.c:1")
    with pytest.raises(DecryptionError, match="another row or column"):
        unseal(token, binding=elsewhere)


def test_a_changed_token_is_refused() -> None:
    token = seal(SECRET, binding="t.c:1")
    changed = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    with pytest.raises(DecryptionError, match="cannot be opened"):
        unseal(changed, binding="t.c:1")


def test_an_old_key_reads_and_the_newest_writes(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[OLD])
    token = seal(SECRET, binding="b")
    configure(ENCRYPTION_KEYS=[NEW, OLD])
    assert unseal(token, binding="b") == SECRET
    assert not sealed_with_newest(token)
    assert sealed_with_newest(seal(SECRET, binding="b"))


def test_without_its_key_a_token_stays_shut(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[OLD])
    token = seal(SECRET, binding="b")
    configure(ENCRYPTION_KEYS=[NEW])
    with pytest.raises(DecryptionError, match="ENCRYPTION_KEYS"):
        unseal(token, binding="b")


def test_a_key_may_be_bytes_as_fernet_makes_them(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[OLD.encode()])
    assert unseal(seal(SECRET, binding="b"), binding="b") == SECRET


def test_no_key_is_an_error_that_tells_how_to_make_one(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=[])
    with pytest.raises(ConfigurationError, match="generate_key"):
        seal(SECRET, binding="b")


def test_a_malformed_key_is_refused_and_not_repeated(configure: Configure) -> None:
    configure(ENCRYPTION_KEYS=["malformed-but-secret"])
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        seal(SECRET, binding="b")
    assert "malformed-but-secret" not in str(caught.value)


def test_no_frame_of_a_refusal_holds_the_plaintext() -> None:
    token = seal(SECRET, binding="t.c:1")
    with pytest.raises(DecryptionError) as caught:
        unseal(token, binding="t.c:2")
    frames = [entry.frame.f_locals for entry in caught.traceback[1:]]
    assert frames
    assert SECRET not in repr(frames)
