"""Django's error report, which prints what each frame holds, shows no secret of an entry or a key that is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.views.debug import ExceptionReporter

from multi_tenant.conf import conf
from multi_tenant.exceptions import ConfigurationError, InvalidEntryError, MultiTenantError
from multi_tenant.lifecycle import create_tenant
from multi_tenant.models import Tenant
from multi_tenant.registry import keys
from multi_tenant.registry.entry import complete_own
from multi_tenant.registry.rules import validate_place

SECRET = "pass-word-of-acme"
PUBLIC_SECRET = "pass-word-of-public"
ENTRY = {"ENGINE": "django.db.backends.postgresql", "NAME": "acme", "PASSWORD": SECRET, "HOST": "203.0.113.5"}


@pytest.fixture(autouse=True)
def _page(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.middleware.urls"


def report_of(error: type[MultiTenantError], call: Callable[[], Any]) -> str:
    """Django's report of what a call raises, without the frames of this file, which hold what they give."""
    with pytest.raises(error) as raised:
        call()
    traceback = raised.tb
    while traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next  # type: ignore[assignment]  # the package's frames are below
    return ExceptionReporter(None, raised.type, raised.value, traceback).get_traceback_html()


@pytest.mark.parametrize(
    "wrong",
    [
        {"PASSWORD": [SECRET]},
        {"OPTIONS": {"password": SECRET}},
        {"OPTIONS": {"isolation_level": SECRET}},
        {"HOST": "127.1"},
    ],
    ids=str,
)
@pytest.mark.django_db(transaction=True)
def test_a_refused_entry_is_not_printed(wrong: dict[str, Any]) -> None:
    report = report_of(InvalidEntryError, lambda: create_tenant("acme", entry={**ENTRY, **wrong}))
    assert "validate_" in report
    assert SECRET not in report


def test_the_public_entry_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    public = {**ENTRY, "PASSWORD": PUBLIC_SECRET}
    monkeypatch.setattr(type(conf), "public_database", public)
    report = report_of(InvalidEntryError, lambda: validate_place(complete_own(ENTRY)))
    assert "validate_not_public" in report
    assert PUBLIC_SECRET not in report


@pytest.mark.parametrize("more", [["malformed"], []])
def test_no_plaintext_is_at_hand_when_keys_are_missing(more: list[str], configure: Any, settings: Any) -> None:
    good = settings.MULTI_TENANT["ENCRYPTION_KEYS"][0]
    configure(ENCRYPTION_KEYS=[*more, good] if more else [])
    report = report_of(ConfigurationError, lambda: Tenant(alias="acme").__setattr__("database", ENTRY))
    assert SECRET not in report
    assert good not in report


def test_what_a_frame_holds_is_printed() -> None:
    """The control: a plain tuple of keys is seen."""
    good = "a-key-that-is-no-key"
    report = report_of(ConfigurationError, lambda: keys.ring_of.__wrapped__((good,)))
    assert good in report
    assert sys.exception() is None
