"""No pages: tests that ask for some name their own."""

from __future__ import annotations

from typing import Any

urlpatterns: list[Any] = []
