"""Requests as a socket passes them: an object with four things and no more."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import QueryDict

Requests = Callable[..., Any]


@pytest.fixture
def socket() -> Requests:
    def request(
        host: str = "example.com", path: str = "/", query: str = "", headers: Any = None, peer: str | None = None
    ) -> Any:
        meta = {} if peer is None else {"META": {"REMOTE_ADDR": peer}}
        return SimpleNamespace(get_host=lambda: host, path=path, GET=QueryDict(query), headers=headers or {}, **meta)

    return request
