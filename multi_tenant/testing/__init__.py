"""Helps for tests of projects that use multi_tenant; nothing here is imported in production."""

from __future__ import annotations
