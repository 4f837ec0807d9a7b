"""The keyring: seals values for one row and column and opens them again, for fields and the rotation command."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError, DecryptionError


def seal(value: Any, *, binding: str) -> str:
    """Encrypt a JSON value under the newest key, bound to ``binding``.

    Fernet has no associated data, so the binding is sealed inside the message and compared when it is opened.
    """
    ring = keyring(conf.ENCRYPTION_KEYS)  # first: should there be none, no frame holds the plaintext yet
    message = json.dumps({"binding": binding, "value": value}, separators=(",", ":"))
    return ring.encrypt(message.encode()).decode()


def unseal(token: str, *, binding: str) -> Any:
    """Decrypt what ``seal`` made.

    Raises DecryptionError when no key opens it or when it was sealed for another binding.
    """
    try:
        message = json.loads(keyring(conf.ENCRYPTION_KEYS).decrypt(token.encode()))
    except InvalidToken:
        raise DecryptionError(
            f"The ciphertext of {binding} cannot be opened. Put the key that wrote it into "
            'MULTI_TENANT["ENCRYPTION_KEYS"], behind the newest one.'
        ) from None
    if message["binding"] == binding:
        return message["value"]
    del message  # error reports print the locals of each frame
    raise DecryptionError(
        f"The ciphertext found in {binding} was written for another row or column. Restore the row from a backup, "
        "or set its value again."
    )


def sealed_with_newest(token: str) -> bool:
    """Whether the newest key wrote ``token``."""
    try:
        keyring(conf.ENCRYPTION_KEYS[:1]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


class Keys(tuple[str, ...]):
    """Keys that error reports, which print what each frame holds, do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} keys>"


def keyring(keys: tuple[str, ...]) -> MultiFernet:
    """The Fernet keys, newest first. Raises ConfigurationError for a malformed key, without repeating it."""
    keys = Keys(keys)
    return ring_of(keys)


@lru_cache(maxsize=8)
def ring_of(keys: Keys) -> MultiFernet:
    """The keyring, made once."""
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ConfigurationError(
            'A key in MULTI_TENANT["ENCRYPTION_KEYS"] is malformed. Make keys with '
            "`cryptography.fernet.Fernet.generate_key()`."
        ) from None
